// SPDX-License-Identifier: Apache-2.0
#include "runtime/kernels/dispatch.hpp"
#include "runtime/row_linear.hpp"

#include <algorithm>
#include <numeric>

namespace nibblesmith::runtime {

namespace {

constexpr uint8_t kMiddle = 128; ///< zero point of a symmetric 8-bit grid

class Int8Linear final : public RowLinear {
public:
  Int8Linear(const tensor::QuantizedTensor& weight, const std::optional<tensor::TensorView>& bias)
      : RowLinear(weight.outFeatures, weight.inFeatures, bias),
        m_columns((weight.inFeatures + kernels::kInt8Block - 1) / kernels::kInt8Block * kernels::kInt8Block),
        m_codes(static_cast<size_t>(weight.outFeatures * m_columns)),
        m_scales(weight.scales.data(), weight.scales.data() + weight.scales.size()) {
    for (int64_t o = 0; o < weight.outFeatures; ++o) {
      const uint8_t* from = weight.codes.data() + o * weight.inFeatures;
      int8_t* to = m_codes.data() + o * m_columns;
      std::transform(from, from + weight.inFeatures, to,
                     [](uint8_t code) { return static_cast<int8_t>(code - kMiddle); });
      m_rowSums.push_back(std::accumulate(to, to + weight.inFeatures, int32_t{0}));
    }
    m_rows.columns = m_columns;
    m_weightBytes = m_codes.size() + sizeof(float) * m_scales.size() + sizeof(int32_t) * m_rowSums.size();
  }

  void prepare(const float* x, int64_t tokens, Input& input, base::ThreadPool& pool) const override {
    input.codes = tensor::roundInput(*inputScheme(), x, tokens, inFeatures(), m_columns, name(), &pool);
  }

protected:
  void multiply(const Task& task) const override {
    const tensor::RoundedInput& input = task.input->codes;
    const int64_t count = task.end - task.begin;
    std::vector<int32_t> sums(static_cast<size_t>(task.tokens * count));
    const kernels::Int8Rows rows = {m_codes.data() + task.begin * m_columns, m_rowSums.data() + task.begin,
                                    m_columns};
    kernels::best().dotInt8(rows, 0, count, input.codes.data(), task.tokens, sums.data(), count);
    for (int64_t t = 0; t < task.tokens; ++t) {
      const tensor::CodeRange& range = input.ranges[static_cast<size_t>(t)];
      float* y = task.y + t * outFeatures();
      for (int64_t o = task.begin; o < task.end; ++o) {
        const auto at = static_cast<size_t>(o);
        const int64_t sum = int64_t{sums[static_cast<size_t>(t * count + o - task.begin)]} -
                            int64_t{range.zeroPoint} * m_rowSums[at];
        y[o] = range.scale * m_scales[at] * static_cast<float>(sum);
      }
      if (!input.outliers.empty())
        addOutliers(input.outliers[static_cast<size_t>(t)], task.begin, task.end, y);
    }
  }

private:
  void addOutliers(const std::vector<tensor::Outlier>& outliers, int64_t begin, int64_t end, float* y) const {
    for (int64_t o = begin; o < end && !outliers.empty(); ++o) {
      const int8_t* codes = m_codes.data() + o * m_columns;
      float sum = 0;
      for (const tensor::Outlier& outlier : outliers)
        sum += outlier.value * static_cast<float>(codes[outlier.column]);
      y[o] += m_scales[static_cast<size_t>(o)] * sum;
    }
  }

  int64_t m_columns;
  std::vector<int8_t> m_codes; ///< [outFeatures, columns]
  std::vector<float> m_scales;
  std::vector<int32_t> m_rowSums;
};

} // namespace

bool fitsInt8(const tensor::QuantizedTensor& weight) {
  const auto& zeros = weight.zeroPoints;
  return weight.isAffine() && weight.bits == 8 && weight.groups() == 1 &&
         weight.inFeatures <= kernels::kInt8Columns &&
         std::all_of(zeros.begin(), zeros.end(), [](uint8_t zero) { return zero == kMiddle; });
}

std::unique_ptr<RowLinear> makeInt8Linear(const tensor::QuantizedTensor& weight,
                                          const std::optional<tensor::TensorView>& bias) {
  return std::make_unique<Int8Linear>(weight, bias);
}

} // namespace nibblesmith::runtime
