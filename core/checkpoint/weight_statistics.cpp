// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/weight_statistics.hpp"

#include "base/error.hpp"
#include "base/progress.hpp"
#include "checkpoint/quantized_linear.hpp"
#include "tensor/dtype.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace nibblesmith::checkpoint {

namespace {

using base::ErrorCode;

/// A tensor as rows of f32 that are unpacked one by one.
struct Rows {
  int64_t count = 0;
  int64_t columns = 0;
  std::function<void(int64_t row, float* out)> read;
};

Rows rowsOfView(const tensor::TensorView& view, const std::string& where) {
  if (!tensor::isFloat(view.dtype) && !tensor::isBlockQuantized(view.dtype))
    throw base::Error(ErrorCode::NotSupported, where + ": expected values of weights, found " + view.describe());
  return {view.rows(), view.cols(), [view](int64_t row, float* out) { tensor::readRows(view, row, row + 1, out); }};
}

Rows rowsOf(const Checkpoint& checkpoint, const std::string& name) {
  const std::string where = checkpoint.path.string() + ": tensor '" + name + "'";
  constexpr std::string_view kSuffix = ".weight";
  const std::string prefix = name.ends_with(kSuffix) ? name.substr(0, name.size() - kSuffix.size()) : name;
  // Packed linears first: some keep their codes under the weight's name.
  if (isQuantizedLinear(checkpoint, prefix)) {
    QuantizedLinear linear = readQuantizedLinear(checkpoint, prefix);
    if (const auto* view = std::get_if<tensor::TensorView>(&linear.weight))
      return rowsOfView(*view, where);
    const auto weight =
        std::make_shared<const tensor::QuantizedTensor>(std::get<tensor::QuantizedTensor>(std::move(linear.weight)));
    return {weight->outFeatures, weight->inFeatures,
            [weight](int64_t row, float* out) { weight->dequantizeRow(row, out); }};
  }
  if (!checkpoint.has(name))
    throw base::Error(ErrorCode::NotFound, checkpoint.path.string() + ": no tensor '" + name + "'");
  return rowsOfView(checkpoint.tensor(name), where);
}

/// Sums of the powers of a value, enough for four moments.
struct Moments {
  double sum = 0, squares = 0, cubes = 0, fourths = 0;

  void add(double value) {
    const double square = value * value;
    sum += value;
    squares += square;
    cubes += square * value;
    fourths += square * square;
  }
  void finish(WeightStatistics& result) const {
    const auto n = static_cast<double>(result.count);
    const double mean = sum / n;
    const double variance = std::max(0.0, squares / n - mean * mean);
    const double fourth = fourths / n - 4 * mean * cubes / n + 6 * mean * mean * squares / n - 3 * std::pow(mean, 4);
    result.mean = mean;
    result.standardDeviation = std::sqrt(variance);
    result.excessKurtosis = variance > 0 ? fourth / (variance * variance) - 3.0 : 0.0;
  }
};

void requireFinite(float value, int64_t row, int64_t column, const std::string& name) {
  if (!std::isfinite(value))
    throw base::Error(ErrorCode::Numerical, "tensor '" + name + "': expected finite values, found " + std::to_string(value) +
                                                " at row " + std::to_string(row) + ", column " + std::to_string(column));
}

std::vector<int64_t> outliersOf(const std::vector<float>& magnitudes) {
  std::vector<float> sorted = magnitudes;
  const auto middle = sorted.begin() + static_cast<ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  const float bound = WeightStatistics::kOutlierRatio * *middle;
  std::vector<int64_t> channels;
  for (size_t i = 0; i < magnitudes.size(); ++i)
    if (magnitudes[i] > bound)
      channels.push_back(static_cast<int64_t>(i));
  std::stable_sort(channels.begin(), channels.end(), [&](int64_t a, int64_t b) {
    return magnitudes[static_cast<size_t>(a)] > magnitudes[static_cast<size_t>(b)];
  });
  return channels;
}

} // namespace

WeightStatistics weightStatistics(const Checkpoint& checkpoint, const std::string& name, const std::stop_token& stop) {
  const Rows rows = rowsOf(checkpoint, name);
  WeightStatistics result;
  result.count = static_cast<uint64_t>(rows.count) * static_cast<uint64_t>(rows.columns);
  if (result.count == 0)
    return result;
  std::vector<float> row(static_cast<size_t>(rows.columns));
  std::vector<float> magnitudes(row.size(), 0.0f);
  Moments moments;
  result.minimum = std::numeric_limits<float>::infinity();
  result.maximum = -result.minimum;
  for (int64_t r = 0; r < rows.count; ++r) {
    base::throwIfStopped(stop);
    rows.read(r, row.data());
    for (size_t i = 0; i < row.size(); ++i) {
      requireFinite(row[i], r, static_cast<int64_t>(i), name);
      moments.add(static_cast<double>(row[i]));
      result.minimum = std::min(result.minimum, row[i]);
      result.maximum = std::max(result.maximum, row[i]);
      magnitudes[i] = std::max(magnitudes[i], std::abs(row[i]));
    }
  }
  moments.finish(result);
  result.limit = std::max(std::abs(result.minimum), std::abs(result.maximum));
  result.histogram.assign(WeightStatistics::kBins, 0);
  const float bins = WeightStatistics::kBins;
  for (int64_t r = 0; r < rows.count; ++r) {
    base::throwIfStopped(stop);
    rows.read(r, row.data());
    for (const float value : row) {
      const float at = result.limit > 0 ? (value / result.limit + 1.0f) / 2.0f * bins : bins / 2.0f;
      ++result.histogram[static_cast<size_t>(std::clamp(at, 0.0f, bins - 1.0f))];
    }
  }
  if (rows.count > 1) {
    result.outlierChannels = outliersOf(magnitudes);
    result.channelMagnitudes = std::move(magnitudes);
  }
  return result;
}

} // namespace nibblesmith::checkpoint
