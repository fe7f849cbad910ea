// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/unicode.hpp"

#include "tokenizer/utf8.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>

#include <utf8proc.h>

namespace nibblesmith::tokenizer {

namespace {

bool isAscii(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char byte) { return static_cast<uint8_t>(byte) >= 0x80; });
}

/// Calls onText for runs of valid UTF-8 and onByte for the bytes between them, in order.
template <typename OnText, typename OnByte>
void forStretches(std::string_view text, OnText onText, OnByte onByte) {
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    while (const size_t length = characterBytes(text, end))
      end += length;
    if (end > at)
      onText(text.substr(at, end - at));
    for (; end < text.size() && characterBytes(text, end) == 0; ++end)
      onByte(text[end]);
    at = end;
  }
}

/// Applies `map` to each character; it appends the replacement to the result.
template <typename Map>
std::string mapped(std::string_view text, base::Budget& budget, std::string_view field, Map map) {
  std::string result;
  for (size_t at = 0; at < text.size();) {
    const size_t before = result.size();
    const size_t length = characterBytes(text, at);
    if (length == 0)
      result += text[at];
    else
      map(characterAt(text, at), result);
    budget.hold(result.size() - before, field);
    budget.step(4, field);
    at += length == 0 ? 1 : length;
  }
  return result;
}

/// Returns true if this character never composes or reorders with the preceding ones. True for ASCII and Han
/// ideographs, which occur regularly in any text.
bool standsAlone(std::string_view text, size_t at) {
  const char32_t character = characterAt(text, at);
  return character < 0x80 || (character >= 0x4E00 && character <= 0x9FFF);
}

/// Returns the end of a part that can be normalized independently: at least 64 KiB, or the rest of the text.
size_t partEnd(std::string_view text, size_t begin) {
  constexpr size_t kPart = 1 << 16;
  size_t end = std::min(begin + kPart, text.size());
  while (end < text.size() && (characterBytes(text, end) == 0 || !standsAlone(text, end)))
    ++end;
  return end;
}

/// Memory that utf8proc takes per input byte: U+FDFA has 3 bytes, and 18 characters of 4 bytes in NFKD.
constexpr size_t kFormBytes = 24;

utf8proc_option_t optionsOf(UnicodeForm form) {
  switch (form) {
  case UnicodeForm::Nfc:
    return UTF8PROC_COMPOSE;
  case UnicodeForm::Nfd:
    return UTF8PROC_DECOMPOSE;
  case UnicodeForm::Nfkc:
    return static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_COMPAT);
  case UnicodeForm::Nfkd:
    break;
  }
  return static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT);
}

void appendForm(std::string_view text, UnicodeForm form, std::string& result) {
  utf8proc_uint8_t* mappedText = nullptr;
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  const auto length = utf8proc_map(bytes, static_cast<utf8proc_ssize_t>(text.size()), &mappedText,
                                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | optionsOf(form)));
  if (length < 0)
    throw std::bad_alloc(); // the text is valid UTF-8
  result.append(reinterpret_cast<const char*>(mappedText), static_cast<size_t>(length));
  std::free(mappedText);
}

utf8proc_category_t categoryAt(std::string_view text, size_t at) {
  return characterBytes(text, at) == 0
             ? UTF8PROC_CATEGORY_CN
             : utf8proc_category(static_cast<utf8proc_int32_t>(characterAt(text, at)));
}

} // namespace

std::string toForm(std::string_view text, UnicodeForm form, base::Budget& budget, std::string_view field) {
  std::string result;
  const auto onText = [&](std::string_view stretch) {
    for (size_t begin = 0; begin < stretch.size();) {
      const size_t end = partEnd(stretch, begin);
      const size_t before = result.size();
      budget.step(8 * (end - begin), field);
      base::BudgetHold characters(budget);
      characters.add(kFormBytes * (end - begin), field);
      appendForm(stretch.substr(begin, end - begin), form, result);
      budget.hold(result.size() - before, field);
      begin = end;
    }
  };
  const auto onByte = [&](char byte) {
    budget.hold(1, field);
    result += byte;
  };
  if (isAscii(text)) {
    budget.hold(text.size(), field);
    result = text;
  } else {
    forStretches(text, onText, onByte);
  }
  return result;
}

std::string toLowercase(std::string_view text, base::Budget& budget, std::string_view field) {
  return mapped(text, budget, field, [](char32_t character, std::string& result) {
    // The only character whose lower case has two characters, independent of language and context.
    if (character == 0x130)
      result += "i\xCC\x87";
    else
      appendUtf8(static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(character))), result);
  });
}

std::string withoutMarks(std::string_view text, base::Budget& budget, std::string_view field) {
  return mapped(text, budget, field, [](char32_t character, std::string& result) {
    if (utf8proc_category(static_cast<utf8proc_int32_t>(character)) != UTF8PROC_CATEGORY_MN)
      appendUtf8(character, result);
  });
}

bool blankBegins(std::string_view text, size_t at) {
  if (at >= text.size())
    return false;
  const char byte = text[at];
  if (byte == ' ' || (byte >= '\t' && byte <= '\r'))
    return true;
  if (static_cast<uint8_t>(byte) < 0x80)
    return false;
  const auto category = categoryAt(text, at);
  const bool isNextLine = characterBytes(text, at) == 2 && characterAt(text, at) == 0x85;
  return isNextLine || category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL ||
         category == UTF8PROC_CATEGORY_ZP;
}

bool wordBegins(std::string_view text, size_t at) {
  if (at >= text.size())
    return false;
  switch (categoryAt(text, at)) {
  case UTF8PROC_CATEGORY_LU:
  case UTF8PROC_CATEGORY_LL:
  case UTF8PROC_CATEGORY_LT:
  case UTF8PROC_CATEGORY_LM:
  case UTF8PROC_CATEGORY_LO:
  case UTF8PROC_CATEGORY_MN:
  case UTF8PROC_CATEGORY_MC:
  case UTF8PROC_CATEGORY_ME:
  case UTF8PROC_CATEGORY_ND:
  case UTF8PROC_CATEGORY_NL:
  case UTF8PROC_CATEGORY_PC:
    return true;
  default:
    return false;
  }
}

size_t characterBytesBefore(std::string_view text, size_t at) {
  for (size_t length = 4; length > 1; --length)
    if (at >= length && characterBytes(text, at - length) == length)
      return length;
  return at == 0 ? 0 : 1;
}

} // namespace nibblesmith::tokenizer
