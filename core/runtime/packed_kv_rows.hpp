// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/kv_cache.hpp"

#include <algorithm>

namespace nibblesmith::runtime {

/// Range of positions that are stored contiguously from row 0 on.
class StoredRange {
public:
  explicit StoredRange(const KvRowsShape& shape) : m_capacity(shape.capacity), m_window(shape.window) {}
  /// Position stored in row 0.
  int64_t first() const { return m_first; }
  void restart(int64_t position) { m_first = position; }

  struct Move {
    int64_t dropped = 0; ///< number of rows to drop at the beginning
    int64_t kept = 0;    ///< number of rows to move to the beginning
  };
  /// Returns the move needed before positions [end, end + count) can be written after those up to `end`.
  /// Nothing moves while there is room. Otherwise rows outside the sliding window of the token at `next` are
  /// dropped, in whole groups of `group` rows.
  Move makeRoom(int64_t next, int64_t end, int64_t count, int64_t group);

private:
  int64_t m_capacity;
  int64_t m_window;
  int64_t m_first = 0;
};

/// Performs the move on rows of `size` values.
template <typename T>
void moveToFront(T* rows, const StoredRange::Move& move, int64_t size) {
  if (move.dropped > 0)
    std::copy(rows + move.dropped * size, rows + (move.dropped + move.kept) * size, rows);
}

/// Rows in f16, stored as [head, capacity, headDim].
class HalfRows final : public KvRows {
public:
  HalfRows(const KvRowsShape& shape, std::string name);
  void write(int64_t position, const tensor::Matrix& rows) override;
  void clear() override { restart(0); }
  HeadRows head(int64_t head, int64_t from, int64_t count, std::vector<float>& scratch) const override;
  uint64_t bytes() const override { return m_values.size() * sizeof(uint16_t); }

  /// Converts rows [from, from + count) of one head to f32 in out[count, headDim].
  void unpack(int64_t head, int64_t from, int64_t count, float* out) const;
  /// Drops all rows; the next write is for `position`.
  void restart(int64_t position) { m_stored.restart(position); }

private:
  KvRowsShape m_shape;
  StoredRange m_stored;
  std::string m_name;
  std::vector<uint16_t> m_values;
};

/// Rows quantized to 8 or 4 bits, with an f16 scale and minimum per group. The newest rows stay in f16 if the
/// scheme has a residual. Layout, head by head:
///   codes           [head, token, headDim * bits / 8]
///   scales, minima  by token [head, token, headDim / group], by channel [head, token / groupSize, headDim]
/// 4-bit codes are packed in units: a group (by token) or a head's row (by channel). Byte i of a unit of n
/// codes holds code i in its low nibble and code i + n / 2 in its high nibble.
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
  /// Makes room for `count` more quantized rows; the window of the token at `next` must stay.
  void makeRoom(int64_t next, int64_t count);
  /// Quantizes row [headDim], one head of the token stored in row `token`.
  void packByToken(const float* row, int64_t head, int64_t token);
  /// Quantizes rows [groupSize, headDim], one head of the tokens stored in rows from `token` on.
  void packByChannel(const float* rows, int64_t head, int64_t token);
  void setCode(int64_t head, int64_t token, int64_t channel, uint32_t code);
  /// Number of scales that `tokens` tokens of one head have.
  int64_t groupsOf(int64_t tokens) const;

  model::KvCacheScheme m_scheme;
  bool m_byChannel;
  int64_t m_heads;
  int64_t m_headDim;
  int64_t m_unit;       ///< codes per packing unit: the channels of a group, or headDim
  int64_t m_tokens;     ///< capacity of quantized tokens
  StoredRange m_stored; ///< range of the quantized tokens
  int64_t m_packed = 0; ///< number of tokens quantized so far
  std::vector<uint8_t> m_codes;
  std::vector<uint16_t> m_scales;
  std::vector<uint16_t> m_minima;
  HalfRows m_recent; ///< tokens from m_packed on, in f16
  std::string m_name;
};

} // namespace nibblesmith::runtime
