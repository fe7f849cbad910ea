// SPDX-License-Identifier: Apache-2.0
#include "runtime/packed_linear.hpp"
#include "tensor/half.hpp"

namespace nibblesmith::runtime {

namespace {

class BookLinear final : public PackedLinear {
public:
  BookLinear(const tensor::QuantizedTensor& weight, const std::optional<tensor::TensorView>& bias)
      : PackedLinear(weight, bias) {
    m_format = static_cast<kernels::Format>(kernels::kBook2 + weight.bits - 2);
    if (weight.hasGroupBooks())
      packOwnBooks(weight);
    else
      packScales(weight);
    m_weightBytes = packedBytes() + 2 * m_ownBooks.size() + 4 * (m_sharedBook.size() + m_scales.size());
  }

private:
  void packOwnBooks(const tensor::QuantizedTensor& weight) {
    m_ownBooks.resize(static_cast<size_t>(weight.codeBooks.size()));
    tensor::f32ToF16(weight.codeBooks.data(), m_ownBooks.data(), weight.codeBooks.size());
    m_rows.groupBooks = m_ownBooks.data();
  }

  void packScales(const tensor::QuantizedTensor& weight) {
    m_sharedBook.assign(weight.codeBooks.data(), weight.codeBooks.data() + weight.codeBooks.size());
    m_scales.assign(weight.scales.data(), weight.scales.data() + weight.scales.size());
    m_rows.sharedBook = m_sharedBook.data();
    m_rows.bookScales = m_scales.data();
  }

  std::vector<uint16_t> m_ownBooks;
  std::vector<float> m_sharedBook;
  std::vector<float> m_scales;
};

} // namespace

std::unique_ptr<RowLinear> makeBookLinear(const tensor::QuantizedTensor& weight,
                                          const std::optional<tensor::TensorView>& bias) {
  return std::make_unique<BookLinear>(weight, bias);
}

} // namespace nibblesmith::runtime
