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

/// Tensor as f32 rows that are unpacked one by one.
struct Rows {
  int64_t count = 0;
  int64_t columns = 0;
  std::function<void(int64_t row, float* out)> read;
};

Rows rowsOfView(const tensor::TensorView& view, const std::string& where) {
  if (!tensor::isFloat(view.dtype) && !tensor::isBlockQuantized(view.dtype))
    throw base::Error(ErrorCode::NotSupported,
                      where + ": expected values of weights, found " + view.describe());
  return {view.rows(), view.cols(),
          [view](int64_t row, float* out) { tensor::readRows(view, row, row + 1, out); }};
}

Rows rowsOf(const Checkpoint& checkpoint, const std::string& name) {
  const std::string where = checkpoint.path.string() + ": tensor '" + name + "'";
  constexpr std::string_view kSuffix = ".weight";
  const std::string prefix = name.ends_with(kSuffix) ? name.substr(0, name.size() - kSuffix.size()) : name;
  // Check packed linears first: some store their codes under the weight's name.
  if (isQuantizedLinear(checkpoint, prefix)) {
    QuantizedLinear linear = readQuantizedLinear(checkpoint, prefix);
    if (const auto* view = std::get_if<tensor::TensorView>(&linear.weight))
      return rowsOfView(*view, where);
    const auto weight = std::make_shared<const tensor::QuantizedTensor>(
        std::get<tensor::QuantizedTensor>(std::move(linear.weight)));
    return {weight->outFeatures, weight->inFeatures,
            [weight](int64_t row, float* out) { weight->dequantizeRow(row, out); }};
  }
  if (!checkpoint.has(name))
    throw base::Error(ErrorCode::NotFound, checkpoint.path.string() + ": no tensor '" + name + "'");
  return rowsOfView(checkpoint.tensor(name), where);
}

/// Power sums for the first four moments.
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
    const double fourth =
        fourths / n - 4 * mean * cubes / n + 6 * mean * mean * squares / n - 3 * std::pow(mean, 4);
    result.mean = mean;
    result.standardDeviation = std::sqrt(variance);
    result.excessKurtosis = variance > 0 ? fourth / (variance * variance) - 3.0 : 0.0;
  }
};

/// Histogram with equal bins whose range doubles when a value exceeds it, by merging pairs of bins. The range
/// need not be known in advance.
class GrowingHistogram {
public:
  void add(float value) {
    const auto v = static_cast<double>(value);
    if (std::abs(v) >= m_limit && value != 0.0f)
      growTo(std::abs(v));
    const double at = m_limit > 0 ? (v + m_limit) * m_binsPerUnit : kFineBins / 2;
    ++m_counts[static_cast<size_t>(at)];
  }

  /// Returns the counts over `bins` bins between -limit and limit, the largest |value|. Each fine bin goes to
  /// the bin that contains its middle, so a boundary is off by at most half a fine bin, 1 / kFineBins of the
  /// range or less.
  std::vector<uint64_t> fold(double limit, int bins) const {
    std::vector<uint64_t> folded(static_cast<size_t>(bins), 0);
    for (size_t i = 0; i < kFineBins; ++i) {
      const double middle = (static_cast<double>(i) + 0.5) / (kFineBins / 2) - 1.0; // relative to the range
      const double at = limit > 0 ? (middle * m_limit / limit + 1.0) / 2.0 * bins : bins / 2.0;
      folded[static_cast<size_t>(std::clamp(at, 0.0, bins - 1.0))] += m_counts[i];
    }
    return folded;
  }

private:
  static constexpr size_t kFineBins = 1 << 14;

  void growTo(double magnitude) {
    const double limit = std::ldexp(1.0, std::ilogb(magnitude) + 1); // power of two above the magnitude
    // While all values are zero, they stay in the middle bin and the range is undefined.
    for (; m_limit > 0 && m_limit < limit; m_limit *= 2)
      halve();
    m_limit = limit;
    m_binsPerUnit = static_cast<double>(kFineBins / 2) / limit;
  }
  void halve() {
    std::vector<uint64_t> halved(kFineBins, 0);
    for (size_t i = 0; i < kFineBins; ++i)
      halved[kFineBins / 4 + i / 2] += m_counts[i];
    m_counts = std::move(halved);
  }

  std::vector<uint64_t> m_counts = std::vector<uint64_t>(kFineBins, 0); ///< between -m_limit and m_limit
  double m_limit = 0; ///< power of two above all magnitudes, or 0
  double m_binsPerUnit = 0;
};

void requireFinite(float value, int64_t row, int64_t column, const std::string& name) {
  if (!std::isfinite(value))
    throw base::Error(ErrorCode::Numerical, "tensor '" + name + "': expected finite values, found " +
                                                std::to_string(value) + " at row " + std::to_string(row) +
                                                ", column " + std::to_string(column));
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

WeightStatistics weightStatistics(const Checkpoint& checkpoint, const std::string& name,
                                  const std::stop_token& stop) {
  const Rows rows = rowsOf(checkpoint, name);
  WeightStatistics result;
  result.count = static_cast<uint64_t>(rows.count) * static_cast<uint64_t>(rows.columns);
  if (result.count == 0)
    return result;
  std::vector<float> row(static_cast<size_t>(rows.columns));
  std::vector<float> magnitudes(row.size(), 0.0f);
  Moments moments;
  GrowingHistogram histogram;
  result.minimum = std::numeric_limits<float>::infinity();
  result.maximum = -result.minimum;
  for (int64_t r = 0; r < rows.count; ++r) {
    base::throwIfStopped(stop);
    rows.read(r, row.data());
    for (size_t i = 0; i < row.size(); ++i) {
      requireFinite(row[i], r, static_cast<int64_t>(i), name);
      moments.add(static_cast<double>(row[i]));
      histogram.add(row[i]);
      result.minimum = std::min(result.minimum, row[i]);
      result.maximum = std::max(result.maximum, row[i]);
      magnitudes[i] = std::max(magnitudes[i], std::abs(row[i]));
    }
  }
  moments.finish(result);
  result.limit = std::max(std::abs(result.minimum), std::abs(result.maximum));
  result.histogram = histogram.fold(static_cast<double>(result.limit), WeightStatistics::kBins);
  if (rows.count > 1) {
    result.outlierChannels = outliersOf(magnitudes);
    result.channelMagnitudes = std::move(magnitudes);
  }
  checkpoint.requireUnchanged();
  return result;
}

} // namespace nibblesmith::checkpoint
