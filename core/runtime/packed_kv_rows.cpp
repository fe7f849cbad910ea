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
    const float steps = scale > 0 ? std::min((value - minimum) / scale, maximumCode) : 0.0f;
    return static_cast<uint32_t>(tensor::roundedHalfToEven(steps));
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

/// Units of `unit` codes: out = scale * code + minimum, where unit k has scales[k], minima[k].
NIB_MULTIVERSION void unpackByToken8(const uint8_t* codes, const float* scales, const float* minima, int64_t units,
                                     int64_t unit, float* out) {
  for (int64_t k = 0; k < units; ++k)
    for (int64_t i = 0; i < unit; ++i)
      out[k * unit + i] = scales[k] * static_cast<float>(codes[k * unit + i]) + minima[k];
}

NIB_MULTIVERSION void unpackByToken4(const uint8_t* codes, const float* scales, const float* minima, int64_t units,
                                     int64_t unit, float* out) {
  const int64_t half = unit / 2;
  for (int64_t k = 0; k < units; ++k)
    for (int64_t i = 0; i < half; ++i) {
      const uint8_t byte = codes[k * half + i];
      out[k * unit + i] = scales[k] * static_cast<float>(byte & 15) + minima[k];
      out[k * unit + half + i] = scales[k] * static_cast<float>(byte >> 4) + minima[k];
    }
}

/// The same where the units of `group` tokens in a row share the scales and minima of their channels.
NIB_MULTIVERSION void unpackByChannel8(const uint8_t* codes, const float* scales, const float* minima, int64_t units,
                                       int64_t unit, int64_t group, float* out) {
  for (int64_t k = 0; k < units; ++k) {
    const float* s = scales + k / group * unit;
    const float* m = minima + k / group * unit;
    for (int64_t i = 0; i < unit; ++i)
      out[k * unit + i] = s[i] * static_cast<float>(codes[k * unit + i]) + m[i];
  }
}

NIB_MULTIVERSION void unpackByChannel4(const uint8_t* codes, const float* scales, const float* minima, int64_t units,
                                       int64_t unit, int64_t group, float* out) {
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

HalfRows::HalfRows(int64_t capacity, int64_t heads, int64_t headDim, std::string name)
    : m_capacity(capacity), m_heads(heads), m_headDim(headDim), m_name(std::move(name)),
      m_values(static_cast<size_t>(capacity * heads * headDim)) {}

void HalfRows::write(int64_t position, const tensor::Matrix& rows) {
  std::vector<uint16_t> half(static_cast<size_t>(rows.cols()));
  for (int64_t t = 0; t < rows.rows(); ++t) {
    toHalf(rows.row(t).data(), half.data(), rows.cols(), m_name, m_first + position + t);
    for (int64_t h = 0; h < m_heads; ++h)
      std::copy_n(half.data() + h * m_headDim, m_headDim,
                  m_values.data() + (h * m_capacity + position + t) * m_headDim);
  }
}

HeadRows HalfRows::head(int64_t head, int64_t count, std::vector<float>& scratch) const {
  scratch.resize(static_cast<size_t>(count * m_headDim));
  unpack(head, count, scratch.data());
  return {scratch.data(), m_headDim};
}

void HalfRows::unpack(int64_t head, int64_t count, float* out) const {
  tensor::f16ToF32(m_values.data() + head * m_capacity * m_headDim, out, count * m_headDim);
}

PackedRows::PackedRows(const KvCacheScheme& scheme, bool keys, int64_t heads, int64_t headDim, int64_t capacity,
                       const std::string& name)
    : m_scheme(scheme), m_byChannel(keys && scheme.keys == KvCacheScheme::Keys::Channel), m_heads(heads),
      m_headDim(headDim), m_unit(m_byChannel || headDim % scheme.groupSize != 0 ? headDim : scheme.groupSize),
      m_tokens(scheme.residual > 0 ? capacity / scheme.residual * scheme.residual : capacity),
      m_recent(std::min(scheme.residual, capacity), heads, headDim, name), m_name(name) {
  const int64_t values = heads * m_tokens * headDim;
  const auto groups = static_cast<size_t>(values / (m_byChannel ? scheme.groupSize : m_unit));
  m_codes.resize(static_cast<size_t>(values * scheme.bits() / 8));
  m_scales.resize(groups);
  m_minima.resize(groups);
}

void PackedRows::write(int64_t position, const tensor::Matrix& rows) {
  if (m_scheme.residual > 0) {
    m_recent.write(position - m_packed, rows);
    return;
  }
  std::vector<uint16_t> half(static_cast<size_t>(rows.cols()));
  std::vector<float> row(half.size());
  for (int64_t t = 0; t < rows.rows(); ++t) {
    toHalf(rows.row(t).data(), half.data(), rows.cols(), m_name, position + t);
    tensor::f16ToF32(half.data(), row.data(), rows.cols());
    for (int64_t h = 0; h < m_heads; ++h)
      packByToken(row.data() + h * m_headDim, h, position + t);
  }
  m_packed = position + rows.rows();
}

void PackedRows::pack() {
  std::vector<float> rows(static_cast<size_t>(m_scheme.residual * m_headDim));
  for (int64_t h = 0; h < m_heads; ++h) {
    m_recent.unpack(h, m_scheme.residual, rows.data());
    const int64_t step = m_byChannel ? m_scheme.groupSize : 1;
    for (int64_t t = 0; t < m_scheme.residual; t += step) {
      if (m_byChannel)
        packByChannel(rows.data() + t * m_headDim, h, m_packed + t);
      else
        packByToken(rows.data() + t * m_headDim, h, m_packed + t);
    }
  }
  m_packed += m_scheme.residual;
  m_recent.setFirstPosition(m_packed);
}

void PackedRows::clear() {
  m_packed = 0;
  m_recent.setFirstPosition(0);
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

HeadRows PackedRows::head(int64_t head, int64_t count, std::vector<float>& scratch) const {
  const int64_t packed = std::min(m_packed, count);
  // By channel, a group that is begun is read whole: it is packed whole, too.
  const int64_t size = m_scheme.groupSize;
  const int64_t groups = m_byChannel ? (packed + size - 1) / size * m_headDim : packed * (m_headDim / m_unit);
  scratch.resize(static_cast<size_t>(count * m_headDim + 2 * groups));
  float* out = scratch.data();
  float* scales = out + count * m_headDim;
  float* minima = scales + groups;
  const int64_t firstGroup = head * m_tokens * m_headDim / (m_byChannel ? size : m_unit);
  tensor::f16ToF32(m_scales.data() + firstGroup, scales, groups);
  tensor::f16ToF32(m_minima.data() + firstGroup, minima, groups);
  const uint8_t* codes = m_codes.data() + head * m_tokens * m_headDim * m_scheme.bits() / 8;
  const bool wide = m_scheme.bits() == 8;
  if (m_byChannel)
    (wide ? unpackByChannel8 : unpackByChannel4)(codes, scales, minima, packed, m_headDim, size, out);
  else
    (wide ? unpackByToken8 : unpackByToken4)(codes, scales, minima, groups, m_unit, out);
  if (count > packed)
    m_recent.unpack(head, count - packed, out + packed * m_headDim);
  return {out, m_headDim};
}

uint64_t PackedRows::bytes() const {
  return m_codes.size() + (m_scales.size() + m_minima.size()) * sizeof(uint16_t) + m_recent.bytes();
}

} // namespace nibblesmith::runtime
