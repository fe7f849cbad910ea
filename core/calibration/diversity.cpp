// SPDX-License-Identifier: Apache-2.0
#include "calibration/diversity.hpp"

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "calibration/sampling.hpp"

#include <algorithm>
#include <limits>
#include <random>

namespace nibblesmith::calibration {

namespace {

constexpr int64_t kChunk = 16;
constexpr int kMaxIterations = 100;

double squaredDistance(const float* a, const float* b, int64_t count) {
  const Eigen::Map<const Eigen::ArrayXf> left(a, count);
  const Eigen::Map<const Eigen::ArrayXf> right(b, count);
  return static_cast<double>((left - right).square().sum());
}

/// Returns a number in [0, 1) with 53 random bits.
double uniform(std::mt19937_64& generator) { return static_cast<double>(generator() >> 11) * 0x1p-53; }

/// Assigns each point to its nearest centre. Returns true if an assignment changed.
bool assign(const tensor::Matrix& points, Clusters& clusters, base::ThreadPool& pool) {
  std::vector<char> changed(static_cast<size_t>(points.rows()), 0);
  pool.parallelFor(points.rows(), kChunk, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      const auto at = static_cast<size_t>(p);
      int64_t best = 0;
      double least = std::numeric_limits<double>::infinity();
      for (int64_t c = 0; c < clusters.centres.rows(); ++c) {
        const double distance =
            squaredDistance(points.row(p).data(), clusters.centres.row(c).data(), points.cols());
        if (distance < least) {
          least = distance;
          best = c;
        }
      }
      changed[at] = clusters.assignment[at] != best;
      clusters.assignment[at] = best;
      clusters.distances[at] = least;
    }
  });
  return std::any_of(changed.begin(), changed.end(), [](char c) { return c != 0; });
}

/// Moves each centre to the mean of its points, summed in their order.
void moveCentres(const tensor::Matrix& points, Clusters& clusters) {
  tensor::MatrixD sums = tensor::MatrixD::Zero(clusters.centres.rows(), points.cols());
  std::vector<int64_t> counts(static_cast<size_t>(clusters.centres.rows()), 0);
  for (int64_t p = 0; p < points.rows(); ++p) {
    const int64_t c = clusters.assignment[static_cast<size_t>(p)];
    sums.row(c) += points.row(p).cast<double>();
    ++counts[static_cast<size_t>(c)];
  }
  for (int64_t c = 0; c < sums.rows(); ++c)
    if (const int64_t count = counts[static_cast<size_t>(c)]; count > 0)
      clusters.centres.row(c) = (sums.row(c) / static_cast<double>(count)).cast<float>();
}

} // namespace

tensor::Matrix meanEmbeddings(const std::vector<std::vector<int32_t>>& sequences,
                              const tensor::TensorView& embedding, base::ThreadPool& pool,
                              const std::stop_token& stop) {
  const int64_t columns = embedding.cols();
  tensor::Matrix means(static_cast<int64_t>(sequences.size()), columns);
  pool.parallelFor(means.rows(), kChunk, [&](int64_t begin, int64_t end) {
    tensor::Matrix row(1, columns);
    for (int64_t s = begin; s < end; ++s) {
      base::throwIfStopped(stop);
      Eigen::RowVectorXd sum = Eigen::RowVectorXd::Zero(columns);
      const auto& ids = sequences[static_cast<size_t>(s)];
      for (const int32_t id : ids) {
        tensor::readRows(embedding, id, id + 1, row.data());
        sum += row.row(0).cast<double>();
      }
      means.row(s) = (sum / std::max<double>(1, static_cast<double>(ids.size()))).cast<float>();
    }
  });
  tensor::requireFinite({means.data(), static_cast<size_t>(means.size())}, columns,
                        "embedding (mean over a prompt's tokens)");
  return means;
}

std::vector<int64_t> plusPlusSeeds(const tensor::Matrix& points, int64_t k, uint64_t seed,
                                   base::ThreadPool& pool, const std::stop_token& stop) {
  std::vector<int64_t> seeds;
  if (points.rows() == 0 || k < 1)
    return seeds;
  std::mt19937_64 generator(seed);
  seeds.push_back(static_cast<int64_t>(uniformBelow(static_cast<uint64_t>(points.rows()), generator)));
  std::vector<double> least(static_cast<size_t>(points.rows()), std::numeric_limits<double>::infinity());
  while (static_cast<int64_t>(seeds.size()) < std::min(k, points.rows())) {
    base::throwIfStopped(stop);
    pool.parallelFor(points.rows(), kChunk, [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p)
        least[static_cast<size_t>(p)] =
            std::min(least[static_cast<size_t>(p)],
                     squaredDistance(points.row(p).data(), points.row(seeds.back()).data(), points.cols()));
    });
    double total = 0;
    for (const double distance : least)
      total += distance;
    if (!(total > 0))
      break; // all other points coincide with chosen ones
    double left = uniform(generator) * total;
    int64_t next = -1;
    for (size_t p = 0; p < least.size(); ++p)
      if (least[p] > 0) {
        next = static_cast<int64_t>(p);
        left -= least[p];
        if (left < 0)
          break;
      }
    seeds.push_back(next);
  }
  return seeds;
}

Clusters kMeans(const tensor::Matrix& points, tensor::Matrix centres, base::ThreadPool& pool,
                const std::stop_token& stop) {
  Clusters clusters;
  clusters.centres = std::move(centres);
  clusters.assignment.assign(static_cast<size_t>(points.rows()), -1);
  clusters.distances.assign(static_cast<size_t>(points.rows()), 0);
  for (int i = 0; i < kMaxIterations; ++i) {
    base::throwIfStopped(stop);
    if (!assign(points, clusters, pool))
      break;
    moveCentres(points, clusters);
  }
  return clusters;
}

std::vector<int64_t> diverseOrder(const tensor::Matrix& points, int64_t k, uint64_t seed,
                                  base::ThreadPool& pool, const std::stop_token& stop) {
  const std::vector<int64_t> seeds = plusPlusSeeds(points, k, seed, pool, stop);
  tensor::Matrix centres(static_cast<int64_t>(seeds.size()), points.cols());
  for (int64_t c = 0; c < centres.rows(); ++c)
    centres.row(c) = points.row(seeds[static_cast<size_t>(c)]);
  const Clusters clusters = kMeans(points, std::move(centres), pool, stop);
  std::vector<std::vector<int64_t>> members(seeds.size());
  for (int64_t p = 0; p < points.rows(); ++p)
    members[static_cast<size_t>(clusters.assignment[static_cast<size_t>(p)])].push_back(p);
  for (auto& cluster : members)
    std::stable_sort(cluster.begin(), cluster.end(), [&](int64_t a, int64_t b) {
      return clusters.distances[static_cast<size_t>(a)] < clusters.distances[static_cast<size_t>(b)];
    });
  std::vector<int64_t> order;
  for (size_t round = 0; static_cast<int64_t>(order.size()) < points.rows(); ++round)
    for (const auto& cluster : members)
      if (round < cluster.size())
        order.push_back(cluster[round]);
  return order;
}

} // namespace nibblesmith::calibration
