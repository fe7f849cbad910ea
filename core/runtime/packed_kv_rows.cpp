// SPDX-License-Identifier: Apache-2.0
#include "runtime/packed_kv_rows.hpp"

#include "base/error.hpp"
#include "tensor/half.hpp"
#include "tensor/multiversion.hpp"
#include "tensor/round_half_even.hpp"

#include <algorithm>
#include <utility>

namespace nibblesmith::runtime {

namespace {

using model::KvCacheScheme;

/// Converts to f16; throws base::Error{Numerical} naming the first value outside its range.
void toHalf(const float* in, uint16_t* out, int64_t count, const std::string& name, int64_t position) {
  tensor::f32ToF16(in, out, count);
  for (int64_t i = 0; i < count; ++i)
    if ((out[i] & 0x7C00u) == 0x7C00u)
      throw base::Error(base::ErrorCode::Numerical,
                        "key-value cache: " + name + ": position " + std::to_string(position) + ", channel " +
                            std::to_string(i) + ": expected a magnitude up to 65504 (f16), found " +
                            std::to_string(in[i]));
}

struct Group {
  float scale; ///< 0 if all values are equal
  float minimum;

  uint32_t code(float value, float maximumCode) const {
    const float steps = scale > 0 ? std::min((value - minimum) / scale, maximumCode) : 0.0f;
    return static_cast<uint32_t>(tensor::roundedHalfToEven(steps));
  }
};

/// Fits a group: minimum min X, scale (max X - min X) / (2^B - 1). Source: KIVI, section 3.1.
Group fitGroup(const float* values, int64_t stride, int64_t count, float maximumCode) {
  float low = values[0];
  float high = values[0];
  for (int64_t i = 1; i < count; ++i) {
    low = std::min(low, values[i * stride]);
    high = std::max(high, values[i * stride]);
  }
  return {tensor::roundToF16((high - low) / maximumCode), low};
}

/// Dequantizes units of `unit` codes: out = scale * code + minimum, with scales[k] and minima[k] for unit k.
NIB_MULTIVERSION void unpackByToken8(const uint8_t* codes, const float* scales, const float* minima,
                                     int64_t units, int64_t unit, float* out) {
  for (int64_t k = 0; k < units; ++k)
    for (int64_t i = 0; i < unit; ++i)
      out[k * unit + i] = scales[k] * static_cast<float>(codes[k * unit + i]) + minima[k];
}

NIB_MULTIVERSION void unpackByToken4(const uint8_t* codes, const float* scales, const float* minima,
                                     int64_t units, int64_t unit, float* out) {
  const int64_t half = unit / 2;
  for (int64_t k = 0; k < units; ++k)
    for (int64_t i = 0; i < half; ++i) {
      const uint8_t byte = codes[k * half + i];
      out[k * unit + i] = scales[k] * static_cast<float>(byte & 15) + minima[k];
      out[k * unit + half + i] = scales[k] * static_cast<float>(byte >> 4) + minima[k];
    }
}

/// Dequantizes units by channel: each `group` consecutive units share one row of scales and minima.
NIB_MULTIVERSION void unpackByChannel8(const uint8_t* codes, const float* scales, const float* minima,
                                       int64_t units, int64_t unit, int64_t group, float* out) {
  for (int64_t k = 0; k < units; ++k) {
    const float* s = scales + k / group * unit;
    const float* m = minima + k / group * unit;
    for (int64_t i = 0; i < unit; ++i)
      out[k * unit + i] = s[i] * static_cast<float>(codes[k * unit + i]) + m[i];
  }
}

NIB_MULTIVERSION void unpackByChannel4(const uint8_t* codes, const float* scales, const float* minima,
                                       int64_t units, int64_t unit, int64_t group, float* out) {
  const int64_t half = unit / 2;
  for (int64_t k = 0; k < units; ++k) {
    const float* s = scales + k / group * unit;
    const float* m = minima + k / group * unit;
    for (int64_t i = 0; i < half; ++i) {
      const uint8_t byte = codes[k * half + i];
      out[k * unit + i] = s[i] * static_cast<float>(byte & 15) + m[i];
      out[k * unit + half + i] = s[half + i] * static_cast<float>(byte >> 4) + m[half + i];
    }
  }
}

} // namespace

StoredRange::Move StoredRange::makeRoom(int64_t next, int64_t end, int64_t count, int64_t group) {
  if (m_window == 0 || end + count - m_first <= m_capacity)
    return {};
  const int64_t needed = std::clamp<int64_t>((next + 1 - m_window) / group * group, m_first, end);
  const Move move = {needed - m_first, end - needed};
  m_first = needed;
  return move;
}

HalfRows::HalfRows(const KvRowsShape& shape, std::string name)
    : m_shape(shape), m_stored(shape), m_name(std::move(name)),
      m_values(static_cast<size_t>(shape.capacity * shape.heads * shape.headDim)) {}

void HalfRows::write(int64_t position, const tensor::Matrix& rows) {
  const int64_t perHead = m_shape.capacity * m_shape.headDim;
  const StoredRange::Move move = m_stored.makeRoom(position, position, rows.rows(), 1);
  for (int64_t h = 0; h < m_shape.heads; ++h)
    moveToFront(m_values.data() + h * perHead, move, m_shape.headDim);
  std::vector<uint16_t> half(static_cast<size_t>(rows.cols()));
  for (int64_t t = 0; t < rows.rows(); ++t) {
    toHalf(rows.row(t).data(), half.data(), rows.cols(), m_name, position + t);
    for (int64_t h = 0; h < m_shape.heads; ++h)
      std::copy_n(half.data() + h * m_shape.headDim, m_shape.headDim,
                  m_values.data() + h * perHead + (position + t - m_stored.first()) * m_shape.headDim);
  }
}

HeadRows HalfRows::head(int64_t head, int64_t from, int64_t count, std::vector<float>& scratch) const {
  scratch.resize(static_cast<size_t>(count * m_shape.headDim));
  unpack(head, from, count, scratch.data());
  return {scratch.data(), m_shape.headDim};
}

void HalfRows::unpack(int64_t head, int64_t from, int64_t count, float* out) const {
  tensor::f16ToF32(m_values.data() + (head * m_shape.capacity + from - m_stored.first()) * m_shape.headDim,
                   out, count * m_shape.headDim);
}

PackedRows::PackedRows(const KvCacheScheme& scheme, bool keys, const KvRowsShape& shape,
                       const std::string& name)
    : m_scheme(scheme), m_byChannel(keys && scheme.keys == KvCacheScheme::Keys::Channel),
      m_heads(shape.heads), m_headDim(shape.headDim),
      m_unit(m_byChannel || m_headDim % scheme.groupSize != 0 ? m_headDim : scheme.groupSize),
      m_tokens(scheme.residual > 0 ? shape.capacity / scheme.residual * scheme.residual : shape.capacity),
      m_stored({m_heads, m_headDim, m_tokens, shape.window}),
      m_recent({m_heads, m_headDim, std::min(scheme.residual, shape.capacity)}, name), m_name(name) {
  const auto groups = static_cast<size_t>(m_heads * groupsOf(m_tokens));
  m_codes.resize(static_cast<size_t>(m_heads * m_tokens * m_headDim * scheme.bits() / 8));
  m_scales.resize(groups);
  m_minima.resize(groups);
}

int64_t PackedRows::groupsOf(int64_t tokens) const {
  return tokens * m_headDim / (m_byChannel ? m_scheme.groupSize : m_unit);
}

void PackedRows::makeRoom(int64_t next, int64_t count) {
  const StoredRange::Move move =
      m_stored.makeRoom(next, m_packed, count, m_byChannel ? m_scheme.groupSize : 1);
  if (move.dropped == 0)
    return;
  const int64_t rowBytes = m_headDim * m_scheme.bits() / 8;
  const StoredRange::Move groups = {groupsOf(move.dropped), groupsOf(move.kept)};
  for (int64_t h = 0; h < m_heads; ++h) {
    moveToFront(m_codes.data() + h * m_tokens * rowBytes, move, rowBytes);
    moveToFront(m_scales.data() + h * groupsOf(m_tokens), groups, 1);
    moveToFront(m_minima.data() + h * groupsOf(m_tokens), groups, 1);
  }
}

void PackedRows::write(int64_t position, const tensor::Matrix& rows) {
  if (m_scheme.residual > 0) {
    m_recent.write(position, rows);
    return;
  }
  makeRoom(position, rows.rows());
  std::vector<uint16_t> half(static_cast<size_t>(rows.cols()));
  std::vector<float> row(half.size());
  for (int64_t t = 0; t < rows.rows(); ++t) {
    toHalf(rows.row(t).data(), half.data(), rows.cols(), m_name, position + t);
    tensor::f16ToF32(half.data(), row.data(), rows.cols());
    for (int64_t h = 0; h < m_heads; ++h)
      packByToken(row.data() + h * m_headDim, h, position + t - m_stored.first());
  }
  m_packed = position + rows.rows();
}

void PackedRows::pack() {
  makeRoom(m_packed + m_scheme.residual, m_scheme.residual);
  const int64_t begin = m_packed - m_stored.first();
  std::vector<float> rows(static_cast<size_t>(m_scheme.residual * m_headDim));
  for (int64_t h = 0; h < m_heads; ++h) {
    m_recent.unpack(h, m_packed, m_scheme.residual, rows.data());
    const int64_t step = m_byChannel ? m_scheme.groupSize : 1;
    for (int64_t t = 0; t < m_scheme.residual; t += step) {
      if (m_byChannel)
        packByChannel(rows.data() + t * m_headDim, h, begin + t);
      else
        packByToken(rows.data() + t * m_headDim, h, begin + t);
    }
  }
  m_packed += m_scheme.residual;
  m_recent.restart(m_packed);
}

void PackedRows::clear() {
  m_packed = 0;
  m_stored.restart(0);
  m_recent.restart(0);
}

void PackedRows::setCode(int64_t head, int64_t token, int64_t channel, uint32_t code) {
  const int64_t row = (head * m_tokens + token) * m_headDim;
  if (m_scheme.bits() == 8) {
    m_codes[static_cast<size_t>(row + channel)] = static_cast<uint8_t>(code);
    return;
  }
  const int64_t half = m_unit / 2;
  const int64_t within = channel % m_unit;
  uint8_t& byte = m_codes[static_cast<size_t>((row + channel - within) / 2 + within % half)];
  byte = static_cast<uint8_t>(within < half ? (byte & 0xF0u) | code : (byte & 0x0Fu) | code << 4);
}

void PackedRows::packByToken(const float* row, int64_t head, int64_t token) {
  const auto maximumCode = static_cast<float>((1 << m_scheme.bits()) - 1);
  const int64_t groups = m_headDim / m_unit;
  for (int64_t g = 0; g < groups; ++g) {
    const Group group = fitGroup(row + g * m_unit, 1, m_unit, maximumCode);
    const auto at = static_cast<size_t>((head * m_tokens + token) * groups + g);
    m_scales[at] = tensor::f32ToF16(group.scale);
    m_minima[at] = tensor::f32ToF16(group.minimum);
    for (int64_t c = g * m_unit; c < (g + 1) * m_unit; ++c)
      setCode(head, token, c, group.code(row[c], maximumCode));
  }
}

void PackedRows::packByChannel(const float* rows, int64_t head, int64_t token) {
  const auto maximumCode = static_cast<float>((1 << m_scheme.bits()) - 1);
  const int64_t size = m_scheme.groupSize;
  for (int64_t c = 0; c < m_headDim; ++c) {
    const Group group = fitGroup(rows + c, m_headDim, size, maximumCode);
    const auto at = static_cast<size_t>((head * (m_tokens / size) + token / size) * m_headDim + c);
    m_scales[at] = tensor::f32ToF16(group.scale);
    m_minima[at] = tensor::f32ToF16(group.minimum);
    for (int64_t t = 0; t < size; ++t)
      setCode(head, token + t, c, group.code(rows[t * m_headDim + c], maximumCode));
  }
}

HeadRows PackedRows::head(int64_t head, int64_t from, int64_t count, std::vector<float>& scratch) const {
  // Groups by channel are read from their first token on, because they are quantized as a whole.
  const int64_t size = m_scheme.groupSize;
  const int64_t begin = m_byChannel ? from / size * size : from, end = from + count;
  const int64_t packed = std::clamp<int64_t>(m_packed - begin, 0, end - begin);
  const int64_t groups = groupsOf(m_byChannel ? (packed + size - 1) / size * size : packed);
  scratch.resize(static_cast<size_t>((end - begin) * m_headDim + 2 * groups));
  float* out = scratch.data();
  float* scales = out + (end - begin) * m_headDim;
  float* minima = scales + groups;
  const int64_t row = head * m_tokens + (packed > 0 ? begin - m_stored.first() : 0);
  tensor::f16ToF32(m_scales.data() + groupsOf(row), scales, groups);
  tensor::f16ToF32(m_minima.data() + groupsOf(row), minima, groups);
  const uint8_t* codes = m_codes.data() + row * m_headDim * m_scheme.bits() / 8;
  const bool wide = m_scheme.bits() == 8;
  if (m_byChannel)
    (wide ? unpackByChannel8 : unpackByChannel4)(codes, scales, minima, packed, m_headDim, size, out);
  else
    (wide ? unpackByToken8 : unpackByToken4)(codes, scales, minima, groups, m_unit, out);
  if (begin + packed < end)
    m_recent.unpack(head, begin + packed, end - begin - packed, out + packed * m_headDim);
  return {out + (from - begin) * m_headDim, m_headDim};
}

uint64_t PackedRows::bytes() const {
  return m_codes.size() + (m_scales.size() + m_minima.size()) * sizeof(uint16_t) + m_recent.bytes();
}

} // namespace nibblesmith::runtime
