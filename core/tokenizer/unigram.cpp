// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/unigram.hpp"

#include "tokenizer/utf8.hpp"

#include <algorithm>

namespace nibblesmith::tokenizer {

namespace {

/// What an unknown character costs beyond the worst piece.
constexpr double kUnknownPenalty = 10.0;

/// The best way to a place in the text: where its last piece begins.
struct Best {
  size_t begin = 0;
  TokenId id = -1;
  double score = 0;
  bool isReached = false;
};

void offer(Best& best, size_t begin, TokenId id, double score) {
  if (!best.isReached || score > best.score)
    best = {begin, id, score, true};
}

} // namespace

void Unigram::add(std::string_view piece, TokenId id, float score, bool isNormal) {
  if (piece.empty() || !m_pieces.emplace(piece, Piece{id, score}).second)
    return;
  m_longest = std::max(m_longest, piece.size());
  if (isNormal)
    m_lowest = m_normal++ == 0 ? score : std::min(m_lowest, static_cast<double>(score));
}

std::vector<Unigram::Cut> Unigram::cut(std::string_view text) const {
  std::vector<Best> best(text.size() + 1);
  best[0].isReached = true;
  for (size_t at = 0; at < text.size(); at += characterOrByte(text, at)) {
    const size_t character = characterOrByte(text, at);
    bool isKnown = false;
    for (size_t end = at + character; end <= text.size() && end - at <= m_longest;) {
      if (const auto found = m_pieces.find(text.substr(at, end - at)); found != m_pieces.end()) {
        offer(best[end], at, found->second.id, best[at].score + found->second.score);
        isKnown = isKnown || end == at + character;
      }
      end += end < text.size() ? characterOrByte(text, end) : 1;
    }
    if (!isKnown)
      offer(best[at + character], at, -1, best[at].score + m_lowest - kUnknownPenalty);
  }
  std::vector<Cut> cuts;
  for (size_t end = text.size(); end > 0; end = best[end].begin) {
    const std::string_view piece = text.substr(best[end].begin, end - best[end].begin);
    const bool joins = best[end].id < 0 && !cuts.empty() && cuts.back().id < 0;
    if (joins)
      cuts.back().text = {piece.data(), piece.size() + cuts.back().text.size()};
    else
      cuts.push_back({piece, best[end].id});
  }
  std::reverse(cuts.begin(), cuts.end());
  return cuts;
}

} // namespace nibblesmith::tokenizer
