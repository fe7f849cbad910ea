// SPDX-License-Identifier: Apache-2.0
#include "runtime/packed_linear.hpp"

#include <algorithm>

namespace nibblesmith::runtime {

namespace {

using kernels::kBlock;

/// Returns the columns of each group in ascending order.
std::vector<std::vector<int32_t>> columnsByGroup(const tensor::QuantizedTensor& weight) {
  std::vector<std::vector<int32_t>> columns(static_cast<size_t>(weight.groups()));
  for (int64_t i = 0; i < weight.inFeatures; ++i) {
    const int64_t g =
        weight.groupIndex.empty() ? i / weight.groupSize : weight.groupIndex[static_cast<size_t>(i)];
    columns[static_cast<size_t>(g)].push_back(static_cast<int32_t>(i));
  }
  return columns;
}

/// Packs one block of 32 codes as bit planes, low bits first; kernels.hpp describes the format.
void packBlock(const uint8_t* codes, int bits, uint8_t* out) {
  if (bits == 8) {
    std::copy_n(codes, kBlock, out);
    return;
  }
  int done = 0;
  for (const int plane : {4, 2, 1}) {
    if ((bits & plane) == 0)
      continue;
    const int planeBytes = 4 * plane;
    std::fill_n(out, planeBytes, uint8_t{0});
    for (int i = 0; i < kBlock; ++i) {
      const int field = (codes[i] >> done) & ((1 << plane) - 1);
      out[i % planeBytes] = static_cast<uint8_t>(out[i % planeBytes] | (field << (plane * (i / planeBytes))));
    }
    done += plane;
    out += planeBytes;
  }
}

} // namespace

PackedLinear::PackedLinear(const tensor::QuantizedTensor& weight,
                           const std::optional<tensor::TensorView>& bias)
    : RowLinear(weight.outFeatures, weight.inFeatures, bias) {
  buildColumnOrder(weight);
  packCodes(weight);
  m_rows.groups = weight.groups();
  m_rows.groupBlocks = m_groupBlocks.data();
}

void PackedLinear::buildColumnOrder(const tensor::QuantizedTensor& weight) {
  for (const auto& columns : columnsByGroup(weight)) {
    const auto count = static_cast<int64_t>(columns.size());
    const int64_t blocks = (count + kBlock - 1) / kBlock;
    m_groupBlocks.push_back(static_cast<int32_t>(blocks));
    m_sourceColumns.insert(m_sourceColumns.end(), columns.begin(), columns.end());
    m_sourceColumns.insert(m_sourceColumns.end(), static_cast<size_t>(blocks * kBlock - count), -1);
  }
}

void PackedLinear::packCodes(const tensor::QuantizedTensor& weight) {
  const int64_t blocks = static_cast<int64_t>(m_sourceColumns.size()) / kBlock;
  const int64_t blockBytes = 4 * weight.bits;
  m_codes.resize(static_cast<size_t>(weight.outFeatures * blocks * blockBytes));
  uint8_t block[kBlock];
  uint8_t* out = m_codes.data();
  for (int64_t o = 0; o < weight.outFeatures; ++o) {
    const uint8_t* row = weight.codes.data() + o * weight.inFeatures;
    for (int64_t b = 0; b < blocks; ++b, out += blockBytes) {
      for (int64_t i = 0; i < kBlock; ++i) {
        const int32_t source = m_sourceColumns[static_cast<size_t>(b * kBlock + i)];
        block[i] = source < 0 ? uint8_t{0} : row[source];
      }
      packBlock(block, weight.bits, out);
    }
  }
  m_rows.codes = m_codes.data();
  m_rows.rowBytes = blocks * blockBytes;
  m_rows.columns = blocks * kBlock;
  dropIdentityOrder(weight.inFeatures);
}

void PackedLinear::dropIdentityOrder(int64_t inFeatures) {
  if (static_cast<int64_t>(m_sourceColumns.size()) != inFeatures)
    return;
  for (size_t i = 0; i < m_sourceColumns.size(); ++i)
    if (m_sourceColumns[i] != static_cast<int32_t>(i))
      return;
  m_sourceColumns = {};
}

} // namespace nibblesmith::runtime
