// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/text_stream.hpp"

#include <algorithm>

namespace nibblesmith::tokenizer {

namespace {

/// Returns the number of bytes up to the end of the last complete character.
size_t wholeCharacters(std::string_view text) {
  for (size_t back = 1; back <= std::min<size_t>(4, text.size()); ++back) {
    const auto byte = static_cast<uint8_t>(text[text.size() - back]);
    if ((byte & 0xC0) == 0x80)
      continue;
    const size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    return length > back ? text.size() - back : text.size();
  }
  return text.size();
}

} // namespace

TextStream::TextStream(const Tokenizer& tokenizer, std::span<const TokenId> prompt)
    : m_tokenizer(tokenizer), m_ids(prompt.begin(), prompt.end()),
      m_promptBytes(tokenizer.decode(prompt).size()), m_taken(m_promptBytes) {}

std::string TextStream::add(TokenId id) {
  m_ids.push_back(id);
  return take(wholeCharacters(m_tokenizer.decode(m_ids)));
}

std::string TextStream::finish() { return take(std::string::npos); }

std::string TextStream::text() const {
  const std::string whole = m_tokenizer.decode(m_ids);
  return whole.substr(std::min(m_promptBytes, whole.size()));
}

std::string TextStream::take(size_t end) {
  const std::string text = m_tokenizer.decode(m_ids);
  end = std::min(end, text.size());
  if (end <= m_taken)
    return {};
  std::string part = text.substr(m_taken, end - m_taken);
  m_taken = end;
  return part;
}

} // namespace nibblesmith::tokenizer
