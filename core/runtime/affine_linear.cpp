// SPDX-License-Identifier: Apache-2.0
#include "runtime/packed_linear.hpp"
#include "tensor/half.hpp"

#include <algorithm>

namespace nibblesmith::runtime {

namespace {

/// Number of readable scales after the last one, because kernels read whole vectors.
constexpr size_t kScalePadding = 31;

class AffineLinear final : public PackedLinear {
public:
  AffineLinear(const tensor::QuantizedTensor& weight, const std::optional<tensor::TensorView>& bias)
      : PackedLinear(weight, bias) {
    m_format = static_cast<kernels::Format>(kernels::kAffine2 + weight.bits - 2);
    packGrid(weight);
    m_weightBytes = packedBytes() + 2 * (m_scales.size() - kScalePadding) + m_zeroPoints.size();
  }

private:
  void packGrid(const tensor::QuantizedTensor& weight) {
    m_scales.resize(static_cast<size_t>(weight.scales.size()) + kScalePadding);
    tensor::f32ToF16(weight.scales.data(), m_scales.data(), weight.scales.size());
    const auto& zeros = weight.zeroPoints;
    const bool same =
        std::all_of(zeros.begin(), zeros.end(), [&](uint8_t zero) { return zero == zeros.front(); });
    if (!same)
      m_zeroPoints = zeros;
    m_rows.scales = m_scales.data();
    m_rows.zeroPoints = same ? nullptr : m_zeroPoints.data();
    m_rows.zeroPoint = static_cast<float>(zeros.front());
  }

  std::vector<uint16_t> m_scales;
  std::vector<uint8_t> m_zeroPoints;
};

} // namespace

std::unique_ptr<RowLinear> makeAffineLinear(const tensor::QuantizedTensor& weight,
                                            const std::optional<tensor::TensorView>& bias) {
  return std::make_unique<AffineLinear>(weight, bias);
}

} // namespace nibblesmith::runtime
