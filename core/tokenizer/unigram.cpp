// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/unigram.hpp"

#include "tokenizer/utf8.hpp"

#include <algorithm>

namespace nibblesmith::tokenizer {

namespace {

/// Cost of an unknown character beyond the lowest score.
constexpr double kUnknownPenalty = 10.0;
constexpr std::string_view kField = "unigram pieces";

} // namespace

/// Lattice of the best segmentations from a position that every segmentation passes through: no piece that
/// begins before it ends after it. The segmentation up to there is final, and the next part begins.
class Unigram::Lattice {
public:
  Lattice(std::string_view text, Sums sums, base::Budget& budget,
          const std::function<void(const Cut&)>& onCut)
      : m_text(text), m_sums(sums), m_memory(budget), m_onCut(onCut), m_best(1) {}

  /// Returns the last position at which an added piece ends.
  size_t end() const { return m_begin + m_best.size() - 1; }

  /// Adds a piece between two positions; `from` is already reachable.
  void offer(size_t from, size_t to, TokenId id, double pieceScore) {
    extend(to, scoreAt(from) + pieceScore, {from, id, 0, true});
  }
  /// Adds a character that is in no piece.
  void offerUnknown(size_t from, size_t to, double pieceScore) {
    extend(to, rounded(scoreAt(from) + rounded(pieceScore)), {from, -1, 0, true});
  }

  /// Emits the pieces of the best segmentation up to the last position.
  void flush() {
    m_way.clear();
    for (size_t place = end(); place > m_begin; place = m_best[place - m_begin].begin)
      m_way.push_back(place);
    for (auto place = m_way.rbegin(); place != m_way.rend(); ++place) {
      const Best& best = m_best[*place - m_begin];
      hand({m_text.substr(best.begin, *place - best.begin), best.id});
    }
    m_begin = end();
    m_best.assign(1, Best{m_begin, -1, m_best.back().score, true});
  }
  void finish() {
    flush();
    if (!m_unknown.empty())
      m_onCut({m_unknown, -1});
  }

private:
  struct Best {
    size_t begin = 0; ///< begin of the last piece
    TokenId id = -1;
    double score = 0;
    bool isReached = false;
  };

  double scoreAt(size_t place) const { return m_best[place - m_begin].score; }
  double rounded(double score) const {
    return m_sums == Sums::F32 ? static_cast<double>(static_cast<float>(score)) : score;
  }
  /// sentencepiece compares before rounding.
  void extend(size_t to, double score, const Best& way) {
    if (to > end())
      m_best.resize(to - m_begin + 1);
    if (m_best.size() > m_held) {
      m_memory.add((m_best.size() - m_held) * sizeof(Best), kField);
      m_held = m_best.size();
    }
    Best& best = m_best[to - m_begin];
    if (best.isReached && score <= best.score)
      return;
    best = way;
    best.score = rounded(score);
  }

  void hand(const Cut& cut) {
    if (cut.id < 0) {
      m_unknown = {m_unknown.empty() ? cut.text.data() : m_unknown.data(),
                   m_unknown.size() + cut.text.size()};
      return;
    }
    if (!m_unknown.empty())
      m_onCut({m_unknown, -1});
    m_unknown = {};
    m_onCut(cut);
  }

  std::string_view m_text;
  Sums m_sums;
  base::BudgetHold m_memory;
  const std::function<void(const Cut&)>& m_onCut;
  size_t m_begin = 0;
  std::vector<Best> m_best; ///< indexed by position relative to m_begin; the last one is reachable
  size_t m_held = 0;
  std::vector<size_t> m_way;
  std::string_view m_unknown; ///< pending run of unknown characters, emitted as one cut
};

void Unigram::add(std::string_view piece, TokenId id, double score, bool isNormal) {
  if (!m_texts.add(piece, static_cast<int32_t>(m_pieces.size())))
    return;
  m_pieces.push_back({id, score});
  if (isNormal)
    m_lowest = m_normal++ == 0 ? score : std::min(m_lowest, score);
}

void Unigram::offerPieces(std::string_view text, size_t at, Lattice& lattice, base::Budget& budget) const {
  const size_t characterEnd = at + characterOrByte(text, at);
  bool isKnown = false;
  ByteTrie::Node node = ByteTrie::kRoot;
  for (size_t end = at; end < text.size();) {
    node = m_texts.child(node, text[end++]);
    if (node == ByteTrie::kNoNode)
      break;
    budget.step(4, kField);
    if (m_texts.valueAt(node) == ByteTrie::kNoValue)
      continue;
    const Piece& piece = m_pieces[static_cast<size_t>(m_texts.valueAt(node))];
    lattice.offer(at, end, piece.id, piece.score);
    isKnown = isKnown || end == characterEnd;
  }
  if (!isKnown)
    lattice.offerUnknown(at, characterEnd, m_lowest - kUnknownPenalty);
}

void Unigram::cut(std::string_view text, base::Budget& budget,
                  const std::function<void(const Cut&)>& onCut) const {
  Lattice lattice(text, m_sums, budget, onCut);
  for (size_t at = 0; at < text.size(); at += characterOrByte(text, at)) {
    if (at == lattice.end())
      lattice.flush();
    budget.step(8, kField);
    offerPieces(text, at, lattice, budget);
  }
  lattice.finish();
}

} // namespace nibblesmith::tokenizer
