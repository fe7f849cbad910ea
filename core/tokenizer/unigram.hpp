// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/budget.hpp"
#include "tokenizer/byte_trie.hpp"
#include "tokenizer/tokenizer.hpp"

#include <functional>

namespace nibblesmith::tokenizer {

/// Unigram model: finds the most likely segmentation of a text, by the sum of the pieces' scores. Immutable
/// once filled. Source: Kudo 2018 (arXiv 1804.10959), section 3.1; google/sentencepiece, unigram_model.cc
/// (EncodeOptimized), for the cost of unknown characters and merging runs of them.
class Unigram {
public:
  /// Type of the score sums. It decides between segmentations of equal score that differ in the order of
  /// their pieces ("--" "-" and "-" "--"). F32: sentencepiece; F64: huggingface/tokenizers.
  enum class Sums { F32, F64 };

  explicit Unigram(Sums sums = Sums::F64) : m_sums(sums) {}

  /// Adds a piece. isNormal: its score counts for the minimum, which sets the cost of unknown characters.
  void add(std::string_view piece, TokenId id, double score, bool isNormal = true);

  /// Piece of the text and its token; id -1 for a run of unknown characters.
  struct Cut {
    std::string_view text;
    TokenId id;
  };
  /// Calls onCut for the pieces of the best segmentation, in order. Throws like Budget::step() and hold().
  void cut(std::string_view text, base::Budget& budget, const std::function<void(const Cut&)>& onCut) const;

private:
  struct Piece {
    TokenId id;
    double score;
  };
  class Lattice;
  /// Adds every piece that begins at `at` to the lattice.
  void offerPieces(std::string_view text, size_t at, Lattice& lattice, base::Budget& budget) const;

  Sums m_sums;
  ByteTrie m_texts; ///< values are indices into m_pieces
  std::vector<Piece> m_pieces;
  size_t m_normal = 0; ///< number of normal pieces
  double m_lowest = 0; ///< lowest score of the normal pieces
};

} // namespace nibblesmith::tokenizer
