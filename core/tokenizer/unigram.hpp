// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/tokenizer.hpp"

#include <unordered_map>

namespace nibblesmith::tokenizer {

/// The most likely way to cut a text into pieces, by the sum of their scores. Immutable once filled.
/// Source: Kudo 2018 (arXiv 1804.10959), section 3.1; google/sentencepiece, unigram_model.cc
/// (EncodeOptimized), for what unknown characters cost and that a run of them is one piece.
class Unigram {
public:
  /// isNormal: its score may be the lowest, below which unknown characters lie.
  void add(std::string_view piece, TokenId id, float score, bool isNormal = true);

  /// A piece of the text and its token; -1 for a stretch of characters that no piece holds.
  struct Cut {
    std::string_view text;
    TokenId id;
  };
  std::vector<Cut> cut(std::string_view text) const;

private:
  struct Piece {
    TokenId id;
    double score;
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  std::unordered_map<std::string, Piece, Hash, std::equal_to<>> m_pieces;
  size_t m_longest = 0; ///< bytes
  size_t m_normal = 0;  ///< pieces
  double m_lowest = 0;  ///< score of them
};

} // namespace nibblesmith::tokenizer
