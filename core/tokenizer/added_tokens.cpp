// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/added_tokens.hpp"

#include "tokenizer/unicode.hpp"
#include "tokenizer/utf8.hpp"

namespace nibblesmith::tokenizer {

void AddedTokens::add(const AddedToken& token) {
  if (token.content.empty())
    return;
  size_t node = 0;
  for (const char byte : token.content) {
    const auto [child, isNew] =
        m_nodes[node].children.try_emplace(byte, static_cast<int32_t>(m_nodes.size()));
    node = static_cast<size_t>(child->second);
    if (isNew)
      m_nodes.emplace_back();
  }
  if (m_nodes[node].token >= 0)
    return;
  m_nodes[node].token = static_cast<int32_t>(m_tokens.size());
  m_begins[static_cast<uint8_t>(token.content[0])] = true;
  m_tokens.push_back(token);
}

const AddedToken* AddedTokens::longestAt(std::string_view text, size_t at, bool parseSpecial) const {
  const AddedToken* found = nullptr;
  size_t node = 0;
  for (size_t end = at; end < text.size(); ++end) {
    const auto child = m_nodes[node].children.find(text[end]);
    if (child == m_nodes[node].children.end())
      break;
    node = static_cast<size_t>(child->second);
    if (m_nodes[node].token < 0)
      continue;
    const AddedToken& token = m_tokens[static_cast<size_t>(m_nodes[node].token)];
    const bool insideWord =
        token.singleWord &&
        ((at > 0 && wordBegins(text, at - characterBytesBefore(text, at))) || wordBegins(text, end + 1));
    if ((parseSpecial || !token.special) && !insideWord)
      found = &token;
  }
  return found;
}

void AddedTokens::split(std::string_view text, bool parseSpecial,
                        const std::function<void(std::string_view)>& onText,
                        const std::function<void(TokenId)>& onToken) const {
  size_t begin = 0;
  for (size_t at = 0; at < text.size();) {
    const AddedToken* token =
        m_begins[static_cast<uint8_t>(text[at])] ? longestAt(text, at, parseSpecial) : nullptr;
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
