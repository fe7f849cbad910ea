// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/kv_cache.hpp"

namespace nibblesmith::runtime {

/// Rows in f16: [head, capacity, headDim].
class HalfRows final : public KvRows {
public:
  HalfRows(int64_t capacity, int64_t heads, int64_t headDim, std::string name);
  void write(int64_t position, const tensor::Matrix& rows) override;
  HeadRows head(int64_t head, int64_t count, std::vector<float>& scratch) const override;
  uint64_t bytes() const override { return m_values.size() * sizeof(uint16_t); }

  /// Rows [0, count) of one head into out[count, headDim].
  void unpack(int64_t head, int64_t count, float* out) const;
  /// Where row 0 really stands, for messages.
  void setFirstPosition(int64_t position) { m_first = position; }

private:
  int64_t m_capacity;
  int64_t m_heads;
  int64_t m_headDim;
  int64_t m_first = 0;
  std::string m_name;
  std::vector<uint16_t> m_values;
};

/// Rows as codes of 8 or 4 bits, each group with scale and minimum in f16; the newest ones, where the scheme has a
/// residual, in f16. Head by head:
///   codes             [head, token, headDim * bits / 8]
///   scales, minima    by token [head, token, headDim / group], by channel [head, token / groupSize, headDim]
/// 4-bit codes lie in units, a unit being a group by token and a head's row by channel: byte i of a unit of n codes holds
/// code i in its low bits and code i + n / 2 in its high ones.
class PackedRows final : public KvRows {
public:
  PackedRows(const model::KvCacheScheme& scheme, bool keys, int64_t heads, int64_t headDim, int64_t capacity,
             const std::string& name);
  void write(int64_t position, const tensor::Matrix& rows) override;
  void pack() override;
  void clear() override;
  HeadRows head(int64_t head, int64_t count, std::vector<float>& scratch) const override;
  uint64_t bytes() const override;

private:
  /// `row`: one head's values of one token.
  void packByToken(const float* row, int64_t head, int64_t token);
  /// `rows`: [groupSize, headDim], one head's values of the tokens from `token` on.
  void packByChannel(const float* rows, int64_t head, int64_t token);
  void setCode(int64_t head, int64_t token, int64_t channel, uint32_t code);

  model::KvCacheScheme m_scheme;
  bool m_byChannel;
  int64_t m_heads;
  int64_t m_headDim;
  int64_t m_unit;                 ///< codes of a unit: channels of a group, or headDim
  int64_t m_tokens;               ///< that can be packed
  int64_t m_packed = 0;           ///< tokens that are packed
  std::vector<uint8_t> m_codes;
  std::vector<uint16_t> m_scales;
  std::vector<uint16_t> m_minima;
  HalfRows m_recent;              ///< tokens from m_packed on
  std::string m_name;
};

} // namespace nibblesmith::runtime
