// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/tokenizer.hpp"

namespace nibblesmith::tokenizer {

/// The pairs of symbols that byte-pair encoding joins, and the joining itself. Immutable once filled.
class Merges {
public:
  struct Result {
    uint32_t rank; ///< lower is joined first
    TokenId id;    ///< what the pair becomes
  };

  /// A pair that is there already keeps its better rank.
  void add(TokenId left, TokenId right, Result result);
  const Result* find(TokenId left, TokenId right) const;
  size_t size() const { return m_count; }

  /// Joins pairs of `symbols` until none is left: the lowest rank first, the leftmost of equals.
  /// O(n log n). Appends what remains to `out`.
  void apply(std::span<const TokenId> symbols, std::vector<TokenId>& out) const;

private:
  struct Slot {
    uint64_t key = kFree;
    Result result{};
  };
  static constexpr uint64_t kFree = ~uint64_t{0};
  size_t slotOf(uint64_t key) const;
  void grow();

  std::vector<Slot> m_slots; ///< open addressing; the size is a power of two
  size_t m_count = 0;
};

} // namespace nibblesmith::tokenizer
