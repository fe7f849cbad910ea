// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/added_tokens.hpp"

#include "tokenizer/limits.hpp"
#include "tokenizer/unicode.hpp"
#include "tokenizer/utf8.hpp"

namespace nibblesmith::tokenizer {

namespace {

constexpr std::string_view kField = "added tokens";

} // namespace

void AddedTokens::add(const AddedToken& token, const std::string& origin) {
  m_bytes += token.content.size();
  base::checkLimit(m_bytes, limits::kAddedBytes, "bytes in all", origin + ": " + std::string(kField));
  if (!m_contents.add(token.content, static_cast<int32_t>(m_tokens.size())))
    return;
  m_begins[static_cast<uint8_t>(token.content[0])] = true;
  m_tokens.push_back(token);
}

const AddedToken* AddedTokens::longestAt(std::string_view text, size_t at, bool parseSpecial,
                                         base::Budget& budget) const {
  const AddedToken* found = nullptr;
  ByteTrie::Node node = ByteTrie::kRoot;
  for (size_t end = at; end < text.size(); ++end) {
    node = m_contents.child(node, text[end]);
    if (node == ByteTrie::kNoNode)
      break;
    budget.step(4, kField);
    if (m_contents.valueAt(node) == ByteTrie::kNoValue)
      continue;
    const AddedToken& token = m_tokens[static_cast<size_t>(m_contents.valueAt(node))];
    const bool insideWord =
        token.singleWord &&
        ((at > 0 && wordBegins(text, at - characterBytesBefore(text, at))) || wordBegins(text, end + 1));
    if ((parseSpecial || !token.special) && !insideWord)
      found = &token;
  }
  return found;
}

void AddedTokens::split(std::string_view text, bool parseSpecial, base::Budget& budget,
                        const std::function<void(std::string_view)>& onText,
                        const std::function<void(TokenId)>& onToken) const {
  size_t begin = 0;
  for (size_t at = 0; at < text.size();) {
    const AddedToken* token =
        m_begins[static_cast<uint8_t>(text[at])] ? longestAt(text, at, parseSpecial, budget) : nullptr;
    budget.step(1, kField);
    if (!token) {
      ++at;
      continue;
    }
    size_t textEnd = at;
    while (token->stripLeft && textEnd > begin &&
           blankBegins(text, textEnd - characterBytesBefore(text, textEnd)))
      textEnd -= characterBytesBefore(text, textEnd);
    if (textEnd > begin)
      onText(text.substr(begin, textEnd - begin));
    onToken(token->id);
    at += token->content.size();
    while (token->stripRight && blankBegins(text, at))
      at += characterOrByte(text, at);
    begin = at;
  }
  if (begin < text.size())
    onText(text.substr(begin));
}

} // namespace nibblesmith::tokenizer
