// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace nibblesmith::tokenizer {

/// Byte strings with a number each, looked up byte by byte, so that all keys a text begins with are found in
/// one pass. About 20 bytes of memory for each node. Immutable once filled, any thread.
class ByteTrie {
public:
  using Node = int32_t;
  static constexpr Node kRoot = 0;
  static constexpr Node kNoNode = -1;
  static constexpr int32_t kNoValue = -1;

  ByteTrie();

  /// value: 0 or more. A key that is there already keeps its value: returns false. Room for 2^24 nodes; its
  /// callers limit the bytes of all keys to fewer.
  bool add(std::string_view key, int32_t value);
  bool empty() const { return m_values.size() == 1; }

  Node child(Node node, char byte) const;
  /// Of the key that ends at the node.
  int32_t valueAt(Node node) const { return m_values[static_cast<size_t>(node)]; }
  /// Bytes of the longest key that the text begins with; 0 where there is none.
  size_t longestAt(std::string_view text) const;

private:
  struct Edge {
    uint32_t parentAndByte = kFree; ///< parent * 256 + byte
    Node child = kNoNode;
  };
  static constexpr uint32_t kFree = ~uint32_t{0};
  size_t slotOf(uint32_t key) const;
  void grow();

  std::vector<Edge> m_edges;     ///< open addressing; the size is a power of two
  std::vector<int32_t> m_values; ///< by node
};

} // namespace nibblesmith::tokenizer
