// SPDX-License-Identifier: Apache-2.0
#include "base/foreign_text.hpp"

#include "base/utf8.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>
#include <vector>

namespace nibblesmith::base {

namespace {

/// Returns true if the character can be printed unchanged. False for control characters (category Cc), the
/// property Bidi_Control, line and paragraph separators, and invisible characters that can carry hidden text.
/// Source: Unicode 15, PropList.txt; UTR #36, section 2.10.
bool isPlain(char32_t c) {
  const auto within = [c](char32_t low, char32_t high) { return c >= low && c <= high; };
  const bool control = c < 0x20 || within(0x7F, 0x9F);
  const bool direction =
      c == 0x61C || within(0x200E, 0x200F) || within(0x202A, 0x202E) || within(0x2066, 0x2069);
  const bool hidden = c == 0x200B || within(0x2028, 0x2029) || within(0x2060, 0x2064) || c == 0xFEFF ||
                      within(0xFFF9, 0xFFFB) || within(0xE0000, 0xE007F);
  return !control && !direction && !hidden;
}

std::string escaped(char32_t c) {
  switch (c) {
  case '\n':
    return "\\n";
  case '\r':
    return "\\r";
  case '\t':
    return "\\t";
  default:
    break;
  }
  char text[16];
  std::snprintf(text, sizeof(text),
                c < 0x80      ? "\\x%02X"
                : c < 0x10000 ? "\\u%04X"
                              : "\\U%08X",
                static_cast<unsigned>(c));
  return text;
}

enum class Lines { One, Several };

/// Returns the printable form of the character or byte at `at`, and advances `at` past it.
std::string shown(std::string_view text, size_t& at, Lines lines) {
  const size_t bytes = characterBytes(text, at);
  if (bytes == 0) {
    char byte[8];
    std::snprintf(byte, sizeof(byte), "\\x%02X", static_cast<unsigned>(static_cast<uint8_t>(text[at])));
    ++at;
    return byte;
  }
  const char32_t c = characterAt(text, at);
  const bool layout = lines == Lines::Several && (c == '\n' || c == '\t');
  std::string result = layout || isPlain(c) ? std::string(text.substr(at, bytes)) : escaped(c);
  at += bytes;
  return result;
}

/// Returns the printable form of the text from `at` on, as many whole characters as fit into `most` bytes.
/// Advances `at` past them.
std::string shownWithin(std::string_view text, size_t& at, size_t most, Lines lines) {
  std::string result;
  while (at < text.size()) {
    size_t next = at;
    const std::string character = shown(text, next, lines);
    if (result.size() + character.size() > most)
      break;
    result += character;
    at = next;
  }
  return result;
}

/// Returns the printable form of the end of the text, as many whole characters as fit into `most` bytes. Sets
/// `begin` to where it starts.
std::string shownEnd(std::string_view text, size_t& begin, size_t most) {
  begin = std::max(begin, text.size() - std::min(text.size(), most));
  while (begin < text.size() && (static_cast<uint8_t>(text[begin]) & 0xC0) == 0x80)
    ++begin;
  std::vector<std::pair<size_t, std::string>> characters; // start and printable form of each character
  size_t size = 0;
  for (size_t at = begin; at < text.size();) {
    const size_t first = at;
    characters.emplace_back(first, shown(text, at, Lines::Several));
    size += characters.back().second.size();
  }
  size_t skipped = 0;
  for (; size > most; ++skipped)
    size -= characters[skipped].second.size();
  begin = skipped < characters.size() ? characters[skipped].first : text.size();
  std::string result;
  for (size_t i = skipped; i < characters.size(); ++i)
    result += characters[i].second;
  return result;
}

} // namespace

std::string foreignText(std::string_view text, size_t maxBytes) {
  size_t end = 0;
  std::string result = shownWithin(text, end, maxBytes, Lines::One);
  if (end == text.size())
    return result;
  const std::string note = "... (" + std::to_string(text.size()) + " bytes)";
  end = 0;
  return shownWithin(text, end, maxBytes - std::min(maxBytes, note.size()), Lines::One) + note;
}

std::string messageText(std::string_view text, size_t maxBytes) {
  size_t end = 0;
  std::string result = shownWithin(text, end, maxBytes, Lines::Several);
  if (end == text.size())
    return result;
  const std::string before = " ... (";
  const std::string after = " bytes left out) ... ";
  const size_t note = before.size() + std::to_string(text.size()).size() + after.size();
  const size_t room = maxBytes - std::min(maxBytes, note);
  size_t headEnd = 0;
  const std::string head = shownWithin(text, headEnd, room - room / 4, Lines::Several);
  size_t tailBegin = headEnd;
  const std::string tail = shownEnd(text, tailBegin, room / 4);
  return head + before + std::to_string(tailBegin - headEnd) + after + tail;
}

} // namespace nibblesmith::base
