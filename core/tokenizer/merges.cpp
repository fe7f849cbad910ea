// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/merges.hpp"

#include <algorithm>
#include <queue>

namespace nibblesmith::tokenizer {

namespace {

uint64_t pairKey(TokenId left, TokenId right) {
  return (static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32) | static_cast<uint32_t>(right);
}

/// Linked list of symbols; a merged pair continues in its left symbol.
struct Chain {
  struct Symbol {
    TokenId id;
    int32_t previous;
    int32_t next;
  };
  std::vector<Symbol> symbols;

  explicit Chain(std::span<const TokenId> ids) {
    const auto count = static_cast<int32_t>(ids.size());
    symbols.reserve(ids.size());
    for (int32_t i = 0; i < count; ++i)
      symbols.push_back({ids[static_cast<size_t>(i)], i - 1, i + 1 < count ? i + 1 : -1});
  }
  Symbol& at(int32_t index) { return symbols[static_cast<size_t>(index)]; }
};

constexpr TokenId kJoined = -1;
constexpr std::string_view kField = "merges";

} // namespace

size_t Merges::slotOf(uint64_t key) const {
  const size_t mask = m_slots.size() - 1;
  uint64_t hash = key * 0x9E3779B97F4A7C15u;
  size_t slot = static_cast<size_t>(hash ^ (hash >> 32)) & mask;
  while (m_slots[slot].key != kFree && m_slots[slot].key != key)
    slot = (slot + 1) & mask;
  return slot;
}

void Merges::grow() {
  std::vector<Slot> old = std::move(m_slots);
  m_slots = std::vector<Slot>(std::max<size_t>(64, 2 * old.size()));
  for (const Slot& slot : old)
    if (slot.key != kFree)
      m_slots[slotOf(slot.key)] = slot;
}

void Merges::add(TokenId left, TokenId right, Result result) {
  if (2 * (m_count + 1) > m_slots.size())
    grow();
  Slot& slot = m_slots[slotOf(pairKey(left, right))];
  if (slot.key != kFree && slot.result.rank <= result.rank)
    return;
  m_count += slot.key == kFree;
  slot = {pairKey(left, right), result};
}

const Merges::Result* Merges::find(TokenId left, TokenId right) const {
  if (m_slots.empty())
    return nullptr;
  const Slot& slot = m_slots[slotOf(pairKey(left, right))];
  return slot.key == kFree ? nullptr : &slot.result;
}

void Merges::apply(std::span<const TokenId> symbols, base::Budget& budget, std::vector<TokenId>& out) const {
  base::checkLimit(symbols.size(), INT32_MAX, "characters in one word", budget.origin());
  base::BudgetHold memory(budget);
  memory.add(symbols.size() * (sizeof(TokenId) + sizeof(Chain::Symbol) + sizeof(uint64_t)), kField);
  Chain chain(symbols);
  Halves halves; // halves of unused tokens, from their last merge
  // Rank in the high bits, position in the low ones: the order of merging.
  std::vector<uint64_t> storage;
  storage.reserve(symbols.size());
  std::priority_queue<uint64_t, std::vector<uint64_t>, std::greater<>> queue({}, std::move(storage));
  const auto offer = [&](int32_t left) {
    budget.step(8, kField);
    if (left < 0 || chain.at(left).next < 0)
      return;
    if (const Result* found = find(chain.at(left).id, chain.at(chain.at(left).next).id))
      queue.push((static_cast<uint64_t>(found->rank) << 32) | static_cast<uint32_t>(left));
  };
  for (int32_t i = 0; i + 1 < static_cast<int32_t>(symbols.size()); ++i)
    offer(i);
  while (!queue.empty()) {
    const auto rank = static_cast<uint32_t>(queue.top() >> 32);
    const auto left = static_cast<int32_t>(queue.top() & 0xffffffffu);
    queue.pop();
    Chain::Symbol& symbol = chain.at(left);
    if (symbol.id == kJoined || symbol.next < 0)
      continue;
    Chain::Symbol& right = chain.at(symbol.next);
    const Result* found = find(symbol.id, right.id);
    // One of the two symbols may have been merged with another neighbor since.
    if (!found || found->rank != rank)
      continue;
    if (m_unused.contains(found->id))
      halves[found->id] = {symbol.id, right.id};
    symbol.id = found->id;
    symbol.next = right.next;
    right.id = kJoined;
    if (symbol.next >= 0)
      chain.at(symbol.next).previous = left;
    offer(symbol.previous);
    offer(left);
  }
  for (const Chain::Symbol& symbol : chain.symbols)
    if (symbol.id != kJoined)
      appendUsed(symbol.id, halves, out);
}

void Merges::appendUsed(TokenId id, const Halves& halves, std::vector<TokenId>& out) const {
  const auto found = halves.find(id);
  if (found == halves.end()) {
    out.push_back(id);
    return;
  }
  // Terminates because each half is shorter.
  appendUsed(found->second.first, halves, out);
  appendUsed(found->second.second, halves, out);
}

} // namespace nibblesmith::tokenizer
