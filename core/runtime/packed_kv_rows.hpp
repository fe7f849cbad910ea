// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/kv_cache.hpp"

#include <algorithm>

namespace nibblesmith::runtime {

/// Which positions' rows are in memory, one after the other from row 0 on.
class KeptRows {
public:
  explicit KeptRows(const KvRowsShape& shape) : m_capacity(shape.capacity), m_window(shape.window) {}
  /// Of row 0.
  int64_t first() const { return m_first; }
  void restart(int64_t position) { m_first = position; }

  struct Move {
    int64_t dropped = 0; ///< rows at the beginning
    int64_t kept = 0;    ///< rows behind them, which take their place
  };
  /// Rows that have to move before [end, end + count) can be written behind those up to `end`: none while
  /// there is room; else what the token at `next` and later ones do not see is dropped, in wholes of `group`
  /// rows.
  Move makeRoom(int64_t next, int64_t end, int64_t count, int64_t group);

private:
  int64_t m_capacity;
  int64_t m_window;
  int64_t m_first = 0;
};

/// Rows of `size` values each.
template <typename T>
void moveDown(T* rows, const KeptRows::Move& move, int64_t size) {
  if (move.dropped > 0)
    std::copy(rows + move.dropped * size, rows + (move.dropped + move.kept) * size, rows);
}

/// Rows in f16: [head, capacity, headDim].
class HalfRows final : public KvRows {
public:
  HalfRows(const KvRowsShape& shape, std::string name);
  void write(int64_t position, const tensor::Matrix& rows) override;
  void clear() override { restart(0); }
  HeadRows head(int64_t head, int64_t from, int64_t count, std::vector<float>& scratch) const override;
  uint64_t bytes() const override { return m_values.size() * sizeof(uint16_t); }

  /// Rows [from, from + count) of one head into out[count, headDim].
  void unpack(int64_t head, int64_t from, int64_t count, float* out) const;
  /// Empty again; what is written next is of `position`.
  void restart(int64_t position) { m_kept.restart(position); }

private:
  KvRowsShape m_shape;
  KeptRows m_kept;
  std::string m_name;
  std::vector<uint16_t> m_values;
};

/// Rows as codes of 8 or 4 bits, each group with scale and minimum in f16; the newest ones, where the scheme
/// has a residual, in f16. Head by head:
///   codes             [head, token, headDim * bits / 8]
///   scales, minima    by token [head, token, headDim / group], by channel [head, token / groupSize, headDim]
/// 4-bit codes lie in units, a unit being a group by token and a head's row by channel: byte i of a unit of n
/// codes holds code i in its low bits and code i + n / 2 in its high ones.
class PackedRows final : public KvRows {
public:
  PackedRows(const model::KvCacheScheme& scheme, bool keys, const KvRowsShape& shape,
             const std::string& name);
  void write(int64_t position, const tensor::Matrix& rows) override;
  void pack() override;
  void clear() override;
  HeadRows head(int64_t head, int64_t from, int64_t count, std::vector<float>& scratch) const override;
  uint64_t bytes() const override;

private:
  /// Makes room for `count` more packed rows where the token at `next` is the first that they are for.
  void makeRoom(int64_t next, int64_t count);
  /// `row`: one head's values of the token that is kept in this row.
  void packByToken(const float* row, int64_t head, int64_t token);
  /// `rows`: [groupSize, headDim], one head's values of the tokens that are kept in the rows from `token` on.
  void packByChannel(const float* rows, int64_t head, int64_t token);
  void setCode(int64_t head, int64_t token, int64_t channel, uint32_t code);
  /// Scales of `tokens` tokens of one head.
  int64_t groupsOf(int64_t tokens) const;

  model::KvCacheScheme m_scheme;
  bool m_byChannel;
  int64_t m_heads;
  int64_t m_headDim;
  int64_t m_unit;       ///< codes of a unit: channels of a group, or headDim
  int64_t m_tokens;     ///< that can be packed and kept
  KeptRows m_kept;      ///< of the packed ones
  int64_t m_packed = 0; ///< tokens that were packed
  std::vector<uint8_t> m_codes;
  std::vector<uint16_t> m_scales;
  std::vector<uint16_t> m_minima;
  HalfRows m_recent; ///< tokens from m_packed on
  std::string m_name;
};

} // namespace nibblesmith::runtime
