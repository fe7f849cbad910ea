// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/byte_trie.hpp"

#include "base/error.hpp"

namespace nibblesmith::tokenizer {

namespace {

constexpr size_t kMaxNodes = (size_t{1} << 24) - 1;

uint32_t keyOf(ByteTrie::Node parent, char byte) {
  return static_cast<uint32_t>(parent) << 8 | static_cast<uint8_t>(byte);
}

} // namespace

ByteTrie::ByteTrie() : m_edges(64), m_values(1, kNoValue) {}

size_t ByteTrie::slotOf(uint32_t key) const {
  const size_t mask = m_edges.size() - 1;
  const uint64_t hash = uint64_t{key} * 0x9E3779B97F4A7C15u;
  size_t slot = static_cast<size_t>(hash >> 32) & mask;
  while (m_edges[slot].parentAndByte != kFree && m_edges[slot].parentAndByte != key)
    slot = (slot + 1) & mask;
  return slot;
}

void ByteTrie::grow() {
  const std::vector<Edge> old = std::move(m_edges);
  m_edges = std::vector<Edge>(2 * old.size());
  for (const Edge& edge : old)
    if (edge.parentAndByte != kFree)
      m_edges[slotOf(edge.parentAndByte)] = edge;
}

bool ByteTrie::add(std::string_view key, int32_t value) {
  Node node = kRoot;
  for (const char byte : key) {
    size_t slot = slotOf(keyOf(node, byte));
    if (m_edges[slot].parentAndByte == kFree) {
      if (m_values.size() >= kMaxNodes)
        throw base::Error(base::ErrorCode::NotSupported,
                          "a trie of more than " + std::to_string(kMaxNodes) + " nodes");
      if (4 * m_values.size() >= 3 * m_edges.size()) {
        grow();
        slot = slotOf(keyOf(node, byte));
      }
      m_edges[slot] = {keyOf(node, byte), static_cast<Node>(m_values.size())};
      m_values.push_back(kNoValue);
    }
    node = m_edges[slot].child;
  }
  int32_t& held = m_values[static_cast<size_t>(node)];
  if (node == kRoot || held != kNoValue)
    return false;
  held = value;
  return true;
}

ByteTrie::Node ByteTrie::child(Node node, char byte) const {
  return m_edges[slotOf(keyOf(node, byte))].child;
}

size_t ByteTrie::longestAt(std::string_view text) const {
  size_t longest = 0;
  Node node = kRoot;
  for (size_t i = 0; i < text.size(); ++i) {
    node = child(node, text[i]);
    if (node == kNoNode)
      break;
    if (valueAt(node) != kNoValue)
      longest = i + 1;
  }
  return longest;
}

} // namespace nibblesmith::tokenizer
