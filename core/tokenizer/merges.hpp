// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/budget.hpp"
#include "tokenizer/tokenizer.hpp"

#include <unordered_map>
#include <unordered_set>

namespace nibblesmith::tokenizer {

/// Merge table of byte-pair encoding, and the merging itself. Immutable once filled.
class Merges {
public:
  struct Result {
    uint32_t rank; ///< lower ranks merge first
    TokenId id;    ///< token that the pair becomes
  };

  /// Adds a merge. A repeated pair keeps its lower rank.
  void add(TokenId left, TokenId right, Result result);
  const Result* find(TokenId left, TokenId right) const;
  size_t size() const { return m_count; }

  /// Marks a token that only occurs as an intermediate result of merging, and is split again if it remains.
  void setUnused(TokenId id) { m_unused.insert(id); }

  /// Merges pairs of `symbols` until none is left: lowest rank first, then leftmost. O(n log n). Appends the
  /// result to `out`. Throws like base::Budget::step() and hold().
  void apply(std::span<const TokenId> symbols, base::Budget& budget, std::vector<TokenId>& out) const;

private:
  using Halves = std::unordered_map<TokenId, std::pair<TokenId, TokenId>>;
  void appendUsed(TokenId id, const Halves& halves, std::vector<TokenId>& out) const;

  struct Slot {
    uint64_t key = kFree;
    Result result{};
  };
  static constexpr uint64_t kFree = ~uint64_t{0};
  size_t slotOf(uint64_t key) const;
  void grow();

  std::vector<Slot> m_slots; ///< open addressing; the size is a power of two
  size_t m_count = 0;
  std::unordered_set<TokenId> m_unused;
};

} // namespace nibblesmith::tokenizer
