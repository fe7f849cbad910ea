// SPDX-License-Identifier: Apache-2.0
#include "quantization/learned_grid.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

namespace nibblesmith::quantization {

namespace {

/// Prefix sums over the sorted points, which give the cost of any interval in constant time.
class Intervals {
public:
  Intervals(const std::vector<double>& points, const std::vector<double>& weights)
      : m_weight(points.size() + 1), m_sum(points.size() + 1), m_squares(points.size() + 1) {
    for (size_t i = 0; i < points.size(); ++i) {
      m_weight[i + 1] = m_weight[i] + weights[i];
      m_sum[i + 1] = m_sum[i] + weights[i] * points[i];
      m_squares[i + 1] = m_squares[i] + weights[i] * points[i] * points[i];
    }
  }
  double mean(size_t begin, size_t end) const {
    return (m_sum[end] - m_sum[begin]) / (m_weight[end] - m_weight[begin]);
  }
  /// Returns the weighted squared distance of points [begin, end) from their mean.
  double cost(size_t begin, size_t end) const {
    const double sum = m_sum[end] - m_sum[begin];
    const double cost = m_squares[end] - m_squares[begin] - sum * sum / (m_weight[end] - m_weight[begin]);
    return std::max(cost, 0.0);
  }

private:
  std::vector<double> m_weight, m_sum, m_squares;
};

/// Row of the dynamic program: least[i] is the cost of the first i points with one cluster more than in
/// `before`, and begins[i] is the start of that last cluster. begins[i] grows with i, which bounds the search
/// (divide and conquer).
struct Row {
  const Intervals& intervals;
  const std::vector<double>& before;
  std::vector<double>& least;
  std::vector<uint32_t>& begins;

  void fill(size_t first, size_t last, size_t lowest, size_t highest) {
    if (first > last)
      return;
    const size_t i = first + (last - first) / 2;
    least[i] = std::numeric_limits<double>::infinity();
    for (size_t begin = lowest; begin <= std::min(highest, i - 1); ++begin)
      if (const double cost = before[begin] + intervals.cost(begin, i); cost < least[i]) {
        least[i] = cost;
        begins[i] = static_cast<uint32_t>(begin);
      }
    if (i > first)
      fill(first, i - 1, lowest, begins[i]);
    fill(i + 1, last, begins[i], highest);
  }
};

} // namespace

std::vector<float> weightedKMeans(std::span<const float> values, std::span<const float> importance,
                                  int clusters) {
  const bool weighted = std::any_of(importance.begin(), importance.end(), [](float w) { return w > 0.0f; });
  std::vector<size_t> order;
  for (size_t i = 0; i < values.size(); ++i)
    if (!weighted || importance[i] > 0.0f)
      order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a] < values[b]; });
  // Equal values are merged into one point. Distances from the median keep precision in the sums of squares.
  const double middle = order.empty() ? 0.0 : static_cast<double>(values[order[order.size() / 2]]);
  std::vector<double> points;
  std::vector<double> weights;
  for (const size_t i : order) {
    const double point = static_cast<double>(values[i]) - middle;
    const double weight = weighted ? static_cast<double>(importance[i]) : 1.0;
    if (!points.empty() && points.back() == point) {
      weights.back() += weight;
    } else {
      points.push_back(point);
      weights.push_back(weight);
    }
  }
  const size_t n = points.size();
  const size_t count = std::min(n, static_cast<size_t>(clusters));
  std::vector<float> centers;
  if (count == n) {
    for (const double point : points)
      centers.push_back(static_cast<float>(point + middle));
    return centers;
  }
  const Intervals intervals(points, weights);
  std::vector<std::vector<uint32_t>> begins(count, std::vector<uint32_t>(n + 1));
  std::vector<double> before(n + 1);
  std::vector<double> least(n + 1);
  for (size_t i = 1; i <= n; ++i)
    before[i] = intervals.cost(0, i);
  for (size_t k = 1; k < count; ++k) {
    Row{intervals, before, least, begins[k]}.fill(k + 1, n, k, n - 1);
    std::swap(before, least);
  }
  size_t end = n;
  for (size_t k = count; k-- > 0;) {
    const size_t begin = begins[k][end];
    centers.push_back(static_cast<float>(intervals.mean(begin, end) + middle));
    end = begin;
  }
  std::reverse(centers.begin(), centers.end());
  return centers;
}

} // namespace nibblesmith::quantization
