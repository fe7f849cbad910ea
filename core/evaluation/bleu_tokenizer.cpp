// SPDX-License-Identifier: Apache-2.0
#include "evaluation/bleu.hpp"

namespace nibblesmith::evaluation {
namespace {

/// Number of bytes of white space (Unicode's, and the separators U+001C to U+001F) at the start of `text`; 0:
/// none.
size_t leadingSpace(std::string_view text) {
  if (text.empty())
    return 0;
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned first = byte(0);
  if ((first >= 0x09 && first <= 0x0D) || (first >= 0x1C && first <= 0x20))
    return 1;
  if (first == 0xC2)
    return byte(1) == 0x85 || byte(1) == 0xA0 ? 2 : 0;
  if (first < 0xE1 || first > 0xE3)
    return 0;
  const unsigned character = ((first & 0x0F) << 12) | ((byte(1) & 0x3F) << 6) | (byte(2) & 0x3F);
  const bool wellFormed = (byte(1) & 0xC0) == 0x80 && (byte(2) & 0xC0) == 0x80;
  const bool space = character == 0x1680 || (character >= 0x2000 && character <= 0x200A) ||
                     character == 0x2028 || character == 0x2029 || character == 0x202F ||
                     character == 0x205F || character == 0x3000;
  return wellFormed && space ? 3 : 0;
}

std::string_view withoutTrailingSpace(std::string_view text) {
  for (;;) {
    size_t space = 0;
    for (const size_t length : {size_t{1}, size_t{2}, size_t{3}})
      if (text.size() >= length && leadingSpace(text.substr(text.size() - length)) == length)
        space = length;
    if (space == 0)
      return text;
    text.remove_suffix(space);
  }
}

std::string replaced(const std::string& text, std::string_view what, std::string_view by) {
  std::string result;
  result.reserve(text.size());
  size_t position = 0;
  for (size_t found = text.find(what); found != std::string::npos; found = text.find(what, position)) {
    result.append(text, position, found - position).append(by);
    position = found + what.size();
  }
  return result.append(text, position);
}

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isPeriodOrComma(char c) { return c == '.' || c == ','; }

/// Returns true for ASCII punctuation and the space, except ' , - . which have separate rules.
bool standsAlone(char c) {
  return (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') ||
         (c >= '(' && c <= '+') || (c >= ':' && c <= '@') || c == '/';
}

std::string separatePunctuation(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (standsAlone(c))
      result.append({' ', c, ' '});
    else
      result += c;
  }
  return result;
}

/// Scans non-overlapping pairs of characters from left to right. Where `matches` is true, the pair is written
/// with spaces at the marked places. Bytes give the same result as characters, because the rules test only
/// for ASCII and no byte of a longer character is a digit.
template <typename Matches>
std::string separatePairs(const std::string& text, bool spaceBefore, bool spaceAfter, Matches matches) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i + 1 == text.size() || !matches(text[i], text[i + 1])) {
      result += text[i];
      continue;
    }
    if (spaceBefore)
      result += ' ';
    result.append({text[i], ' ', text[i + 1]});
    if (spaceAfter)
      result += ' ';
    ++i;
  }
  return result;
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (size_t i = 0; i < text.size();) {
    const size_t space = leadingSpace(text.substr(i));
    if (space == 0) {
      word += text[i++];
      continue;
    }
    if (!word.empty())
      words.push_back(std::move(word));
    word.clear();
    i += space;
  }
  if (!word.empty())
    words.push_back(std::move(word));
  return words;
}

} // namespace

std::vector<std::string> tokenize13a(std::string_view text) {
  std::string line(withoutTrailingSpace(text));
  line = replaced(replaced(replaced(line, "<skipped>", ""), "-\n", ""), "\n", " ");
  if (line.find('&') != std::string::npos)
    line =
        replaced(replaced(replaced(replaced(line, "&quot;", "\""), "&amp;", "&"), "&lt;", "<"), "&gt;", ">");
  line = separatePunctuation(' ' + line + ' ');
  // Period or comma after a non-digit, then before a non-digit, then a dash after a digit.
  line = separatePairs(line, false, true, [](char a, char b) { return !isDigit(a) && isPeriodOrComma(b); });
  line = separatePairs(line, true, false, [](char a, char b) { return isPeriodOrComma(a) && !isDigit(b); });
  line = separatePairs(line, false, true, [](char a, char b) { return isDigit(a) && b == '-'; });
  return split(line);
}

} // namespace nibblesmith::evaluation
