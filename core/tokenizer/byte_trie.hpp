// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace nibblesmith::tokenizer {

/// Trie that maps byte strings to numbers. One pass over a text finds all keys that are prefixes of it. Takes
/// about 20 bytes of memory per node. Immutable once filled; then safe for concurrent use.
class ByteTrie {
public:
  using Node = int32_t;
  static constexpr Node kRoot = 0;
  static constexpr Node kNoNode = -1;
  static constexpr int32_t kNoValue = -1;

  ByteTrie();

  /// Adds a key with a value >= 0. Returns false if the key exists; it keeps its value. Holds at most 2^24
  /// nodes; callers limit the total size of the keys accordingly.
  bool add(std::string_view key, int32_t value);
  bool empty() const { return m_values.size() == 1; }

  Node child(Node node, char byte) const;
  /// Returns the value of the key that ends at the node.
  int32_t valueAt(Node node) const { return m_values[static_cast<size_t>(node)]; }
  /// Returns the length in bytes of the longest key that is a prefix of the text; 0 if there is none.
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
  std::vector<int32_t> m_values; ///< indexed by node
};

} // namespace nibblesmith::tokenizer
