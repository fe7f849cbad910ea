// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/kv_cache.hpp"

namespace nibblesmith::runtime {

/// Rows in f16.
class HalfRows final : public KvRows {
public:
  HalfRows(int64_t capacity, int64_t columns, int64_t headDim, std::string name);
  void write(int64_t position, const tensor::Matrix& rows) override;
  HeadRows head(int64_t head, int64_t count, std::vector<float>& scratch) const override;
  uint64_t bytes() const override { return m_values.size() * sizeof(uint16_t); }

  /// Rows [0, count) of one head into out[count, headDim]; of all heads into out[count, columns].
  void unpack(int64_t head, int64_t count, float* out) const;
  void unpackAll(int64_t count, float* out) const;
  /// Where row 0 really stands, for messages.
  void setFirstPosition(int64_t position) { m_first = position; }

private:
  int64_t m_columns;
  int64_t m_headDim;
  int64_t m_first = 0;
  std::string m_name;
  std::vector<uint16_t> m_values; ///< [capacity, columns]
};

/// Rows as codes of 8 or 4 bits (two channels to a byte, the lower one in the low bits), each group with scale and minimum
/// in f16; the newest ones, where the scheme has a residual, in f16.
/// By token, the groups of row t lie at [t, channel / group]; by channel, those of channel c at [t / groupSize, c].
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
  void packByToken(const float* row, int64_t token);
  /// `rows`: [groupSize, columns], of the tokens from `token` on.
  void packByChannel(const float* rows, int64_t token);
  void setCode(int64_t token, int64_t channel, uint32_t code);
  /// Scales and minima of one head's channels, as row `token` needs them.
  void readGroups(int64_t token, int64_t head, float* scales, float* minima) const;

  model::KvCacheScheme m_scheme;
  bool m_byChannel;
  int64_t m_columns;
  int64_t m_headDim;
  int64_t m_groupColumns;          ///< channels of a group, by token
  int64_t m_groupsPerRow;          ///< by token: groups of a token; by channel: all channels
  int64_t m_packed = 0;            ///< rows that are packed
  std::vector<uint8_t> m_codes;    ///< [tokens, columns * bits / 8]
  std::vector<uint16_t> m_scales;  ///< [tokens or tokens / groupSize, groupsPerRow]
  std::vector<uint16_t> m_minima;  ///< the same
  HalfRows m_recent;               ///< rows from m_packed on
  std::string m_name;
};

} // namespace nibblesmith::runtime
