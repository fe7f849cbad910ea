// SPDX-License-Identifier: Apache-2.0
#include "export/weight_rows.hpp"

#include "base/error.hpp"
#include "tensor/half.hpp"

#include <cmath>
#include <sstream>

namespace nibblesmith::exporting {

namespace {

constexpr int64_t kStepElements = 1 << 18;

std::string describePlace(int64_t row, int64_t column, float expected, float found) {
  std::ostringstream text;
  text.precision(9);
  text << "[" << row << ", " << column << "]: expected " << expected << ", found " << found;
  return text.str();
}

} // namespace

void readWeightRows(const model::Weight& weight, int64_t begin, int64_t end, float* out) {
  if (const auto* view = std::get_if<tensor::TensorView>(&weight)) {
    tensor::readRows(*view, begin, end, out);
    return;
  }
  const auto& quantized = std::get<tensor::QuantizedTensor>(weight);
  for (int64_t o = begin; o < end; ++o, out += quantized.inFeatures)
    quantized.dequantizeRow(o, out);
}

int64_t rowsPerStep(int64_t cols) { return std::max<int64_t>(1, kStepElements / std::max<int64_t>(1, cols)); }

void roundTo(tensor::DType type, float* values, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    if (type == tensor::DType::F16)
      values[i] = tensor::roundToF16(values[i]);
    else if (type == tensor::DType::BF16)
      values[i] = tensor::bf16ToF32(tensor::f32ToBf16(values[i]));
  }
}

Difference compareWeights(const model::Weight& expected, const model::Weight& found,
                          const std::function<void(float* values, int64_t count)>& convert,
                          const std::stop_token& stop) {
  Difference difference;
  const int64_t rows = model::outFeatures(expected), cols = model::inFeatures(expected);
  if (model::outFeatures(found) != rows || model::inFeatures(found) != cols) {
    difference.first = "expected [" + std::to_string(rows) + ", " + std::to_string(cols) + "], found [" +
                       std::to_string(model::outFeatures(found)) + ", " +
                       std::to_string(model::inFeatures(found)) + "]";
    return difference;
  }
  const int64_t step = rowsPerStep(cols);
  std::vector<float> before(static_cast<size_t>(step * cols)), wanted, after(before.size());
  for (int64_t begin = 0; begin < rows; begin += step) {
    base::throwIfStopped(stop);
    const int64_t end = std::min(rows, begin + step);
    const int64_t count = (end - begin) * cols;
    readWeightRows(expected, begin, end, before.data());
    readWeightRows(found, begin, end, after.data());
    wanted = before;
    if (convert)
      convert(wanted.data(), count);
    for (int64_t i = 0; i < count; ++i) {
      const auto at = static_cast<size_t>(i);
      const double error = std::fabs(static_cast<double>(before[at]) - static_cast<double>(after[at]));
      difference.maxAbsoluteError = std::max(difference.maxAbsoluteError, error);
      // The negated comparison also detects NaN.
      if (!difference.first && !(wanted[at] == after[at]))
        difference.first = describePlace(begin + i / cols, i % cols, wanted[at], after[at]);
    }
  }
  return difference;
}

} // namespace nibblesmith::exporting
