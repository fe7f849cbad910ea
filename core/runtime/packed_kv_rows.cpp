// SPDX-License-Identifier: Apache-2.0
#include "runtime/packed_kv_rows.hpp"

#include "base/error.hpp"
#include "tensor/half.hpp"
#include "tensor/multiversion.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace nibblesmith::runtime {

namespace {

using model::KvCacheScheme;

/// As f16; what it cannot hold is said.
void toHalf(const float* in, uint16_t* out, int64_t count, const std::string& name, int64_t position) {
  tensor::f32ToF16(in, out, count);
  for (int64_t i = 0; i < count; ++i)
    if ((out[i] & 0x7C00u) == 0x7C00u)
      throw base::Error(base::ErrorCode::Numerical, "key-value cache: " + name + ": position " + std::to_string(position) +
                                                        ", channel " + std::to_string(i) +
                                                        ": expected a value within f16's 65504, found " +
                                                        std::to_string(in[i]));
}

struct Group {
  float scale; ///< 0 where all values are alike
  float minimum;

  uint32_t code(float value, float maximumCode) const {
    // Adding and subtracting 1.5 * 2^23 rounds half to even.
    constexpr float kRoundingBias = 12582912.0f;
    const float steps = scale > 0 ? std::min((value - minimum) / scale, maximumCode) : 0.0f;
    return static_cast<uint32_t>((steps + kRoundingBias) - kRoundingBias);
  }
};

/// KIVI, section 3.1: zero point min X, scale (max X - min X) / (2^B - 1).
Group fitGroup(const float* values, int64_t stride, int64_t count, float maximumCode) {
  float low = values[0];
  float high = values[0];
  for (int64_t i = 1; i < count; ++i) {
    low = std::min(low, values[i * stride]);
    high = std::max(high, values[i * stride]);
  }
  return {tensor::roundToF16((high - low) / maximumCode), low};
}

NIB_MULTIVERSION void unpackBytes(const uint8_t* codes, const float* scales, const float* minima, int64_t count,
                                  float* out) {
  for (int64_t i = 0; i < count; ++i)
    out[i] = scales[i] * static_cast<float>(codes[i]) + minima[i];
}

NIB_MULTIVERSION void unpackNibbles(const uint8_t* codes, const float* scales, const float* minima, int64_t count,
                                    float* out) {
  for (int64_t i = 0; i < count; ++i)
    out[i] = scales[i] * static_cast<float>(codes[i / 2] >> (4 * (i % 2)) & 15) + minima[i];
}

} // namespace

HalfRows::HalfRows(int64_t capacity, int64_t columns, int64_t headDim, std::string name)
    : m_columns(columns), m_headDim(headDim), m_name(std::move(name)),
      m_values(static_cast<size_t>(capacity * columns)) {}

void HalfRows::write(int64_t position, const tensor::Matrix& rows) {
  for (int64_t t = 0; t < rows.rows(); ++t)
    toHalf(rows.row(t).data(), m_values.data() + (position + t) * m_columns, m_columns, m_name, m_first + position + t);
}

HeadRows HalfRows::head(int64_t head, int64_t count, std::vector<float>& scratch) const {
  scratch.resize(static_cast<size_t>(count * m_headDim));
  unpack(head, count, scratch.data());
  return {scratch.data(), m_headDim};
}

void HalfRows::unpack(int64_t head, int64_t count, float* out) const {
  for (int64_t t = 0; t < count; ++t)
    tensor::f16ToF32(m_values.data() + t * m_columns + head * m_headDim, out + t * m_headDim, m_headDim);
}

void HalfRows::unpackAll(int64_t count, float* out) const { tensor::f16ToF32(m_values.data(), out, count * m_columns); }

PackedRows::PackedRows(const KvCacheScheme& scheme, bool keys, int64_t heads, int64_t headDim, int64_t capacity,
                       const std::string& name)
    : m_scheme(scheme), m_byChannel(keys && scheme.keys == KvCacheScheme::Keys::Channel), m_columns(heads * headDim),
      m_headDim(headDim), m_groupColumns(headDim % scheme.groupSize == 0 ? scheme.groupSize : headDim),
      m_groupsPerRow(m_byChannel ? m_columns : m_columns / m_groupColumns),
      m_recent(std::min(scheme.residual, capacity), m_columns, headDim, name), m_name(name) {
  const int64_t tokens = scheme.residual > 0 ? capacity / scheme.residual * scheme.residual : capacity;
  const int64_t groups = (m_byChannel ? tokens / scheme.groupSize : tokens) * m_groupsPerRow;
  m_codes.resize(static_cast<size_t>(tokens * (m_columns * scheme.bits() / 8)));
  m_scales.resize(static_cast<size_t>(groups));
  m_minima.resize(static_cast<size_t>(groups));
}

void PackedRows::write(int64_t position, const tensor::Matrix& rows) {
  if (m_scheme.residual > 0) {
    m_recent.write(position - m_packed, rows);
    return;
  }
  std::vector<uint16_t> half(static_cast<size_t>(m_columns));
  std::vector<float> row(half.size());
  for (int64_t t = 0; t < rows.rows(); ++t) {
    toHalf(rows.row(t).data(), half.data(), m_columns, m_name, position + t);
    tensor::f16ToF32(half.data(), row.data(), m_columns);
    packByToken(row.data(), position + t);
  }
  m_packed = position + rows.rows();
}

void PackedRows::pack() {
  std::vector<float> rows(static_cast<size_t>(m_scheme.residual * m_columns));
  m_recent.unpackAll(m_scheme.residual, rows.data());
  const int64_t step = m_byChannel ? m_scheme.groupSize : 1;
  for (int64_t t = 0; t < m_scheme.residual; t += step) {
    if (m_byChannel)
      packByChannel(rows.data() + t * m_columns, m_packed + t);
    else
      packByToken(rows.data() + t * m_columns, m_packed + t);
  }
  m_packed += m_scheme.residual;
  m_recent.setFirstPosition(m_packed);
}

void PackedRows::clear() {
  m_packed = 0;
  m_recent.setFirstPosition(0);
}

void PackedRows::setCode(int64_t token, int64_t channel, uint32_t code) {
  if (m_scheme.bits() == 8) {
    m_codes[static_cast<size_t>(token * m_columns + channel)] = static_cast<uint8_t>(code);
    return;
  }
  uint8_t& byte = m_codes[static_cast<size_t>((token * m_columns + channel) / 2)];
  byte = static_cast<uint8_t>(channel % 2 == 0 ? (byte & 0xF0u) | code : (byte & 0x0Fu) | code << 4);
}

void PackedRows::packByToken(const float* row, int64_t token) {
  const auto maximumCode = static_cast<float>((1 << m_scheme.bits()) - 1);
  for (int64_t g = 0; g < m_groupsPerRow; ++g) {
    const Group group = fitGroup(row + g * m_groupColumns, 1, m_groupColumns, maximumCode);
    const auto at = static_cast<size_t>(token * m_groupsPerRow + g);
    m_scales[at] = tensor::f32ToF16(group.scale);
    m_minima[at] = tensor::f32ToF16(group.minimum);
    for (int64_t c = g * m_groupColumns; c < (g + 1) * m_groupColumns; ++c)
      setCode(token, c, group.code(row[c], maximumCode));
  }
}

void PackedRows::packByChannel(const float* rows, int64_t token) {
  const auto maximumCode = static_cast<float>((1 << m_scheme.bits()) - 1);
  for (int64_t c = 0; c < m_columns; ++c) {
    const Group group = fitGroup(rows + c, m_columns, m_scheme.groupSize, maximumCode);
    const auto at = static_cast<size_t>(token / m_scheme.groupSize * m_columns + c);
    m_scales[at] = tensor::f32ToF16(group.scale);
    m_minima[at] = tensor::f32ToF16(group.minimum);
    for (int64_t t = 0; t < m_scheme.groupSize; ++t)
      setCode(token + t, c, group.code(rows[t * m_columns + c], maximumCode));
  }
}

void PackedRows::readGroups(int64_t token, int64_t head, float* scales, float* minima) const {
  if (m_byChannel) {
    const auto at = static_cast<size_t>(token / m_scheme.groupSize * m_columns + head * m_headDim);
    tensor::f16ToF32(m_scales.data() + at, scales, m_headDim);
    tensor::f16ToF32(m_minima.data() + at, minima, m_headDim);
    return;
  }
  const int64_t groups = m_headDim / m_groupColumns;
  for (int64_t g = 0; g < groups; ++g) {
    const auto at = static_cast<size_t>(token * m_groupsPerRow + head * groups + g);
    std::fill_n(scales + g * m_groupColumns, m_groupColumns, tensor::f16ToF32(m_scales[at]));
    std::fill_n(minima + g * m_groupColumns, m_groupColumns, tensor::f16ToF32(m_minima[at]));
  }
}

HeadRows PackedRows::head(int64_t head, int64_t count, std::vector<float>& scratch) const {
  // The last 2 headDim values hold the groups of the row at hand.
  scratch.resize(static_cast<size_t>((count + 2) * m_headDim));
  float* scales = scratch.data() + count * m_headDim;
  float* minima = scales + m_headDim;
  const auto unpack = m_scheme.bits() == 8 ? unpackBytes : unpackNibbles;
  const int64_t packed = std::min(m_packed, count);
  for (int64_t t = 0; t < packed; ++t) {
    if (!m_byChannel || t % m_scheme.groupSize == 0)
      readGroups(t, head, scales, minima);
    const int64_t at = (t * m_columns + head * m_headDim) * m_scheme.bits() / 8;
    unpack(m_codes.data() + at, scales, minima, m_headDim, scratch.data() + t * m_headDim);
  }
  if (count > packed)
    m_recent.unpack(head, count - packed, scratch.data() + packed * m_headDim);
  return {scratch.data(), m_headDim};
}

uint64_t PackedRows::bytes() const {
  return m_codes.size() + (m_scales.size() + m_minima.size()) * sizeof(uint16_t) + m_recent.bytes();
}

} // namespace nibblesmith::runtime
