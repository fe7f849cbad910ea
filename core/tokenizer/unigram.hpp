// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/budget.hpp"
#include "tokenizer/byte_trie.hpp"
#include "tokenizer/tokenizer.hpp"

#include <functional>

namespace nibblesmith::tokenizer {

/// The most likely way to cut a text into pieces, by the sum of their scores. Immutable once filled.
/// Source: Kudo 2018 (arXiv 1804.10959), section 3.1; google/sentencepiece, unigram_model.cc
/// (EncodeOptimized), for what unknown characters cost and that a run of them is one piece.
class Unigram {
public:
  /// What the sums of scores are kept in. It decides between ways that cost the same but for the order of
  /// their pieces ("--" "-" and "-" "--"). F32: as sentencepiece; F64: as huggingface/tokenizers.
  enum class Sums { F32, F64 };

  explicit Unigram(Sums sums = Sums::F64) : m_sums(sums) {}

  /// isNormal: its score may be the lowest, below which unknown characters lie.
  void add(std::string_view piece, TokenId id, double score, bool isNormal = true);

  /// A piece of the text and its token; -1 for a stretch of characters that no piece holds.
  struct Cut {
    std::string_view text;
    TokenId id;
  };
  /// Calls onCut for the pieces of the best way, in order. Throws as Budget::step() and hold().
  void cut(std::string_view text, base::Budget& budget, const std::function<void(const Cut&)>& onCut) const;

private:
  struct Piece {
    TokenId id;
    double score;
  };
  class Lattice;
  /// Notes every piece that begins at `at`.
  void offerPieces(std::string_view text, size_t at, Lattice& lattice, base::Budget& budget) const;

  Sums m_sums;
  ByteTrie m_texts; ///< with places in m_pieces
  std::vector<Piece> m_pieces;
  size_t m_normal = 0; ///< pieces
  double m_lowest = 0; ///< score of them
};

} // namespace nibblesmith::tokenizer
