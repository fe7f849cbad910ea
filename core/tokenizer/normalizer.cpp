// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/normalizer.hpp"

#include "tokenizer/base64.hpp"
#include "tokenizer/utf8.hpp"

#include <optional>

namespace nibblesmith::tokenizer {

namespace {

using base::Error;
using base::ErrorCode;
using base::Json;

std::string replaceAll(const std::string& text, const std::string& from, const std::string& to) {
  std::string result;
  result.reserve(text.size() + text.size() / 4);
  for (size_t at = 0; at < text.size();) {
    const size_t found = std::min(text.find(from, at), text.size());
    result.append(text, at, found - at);
    if (found < text.size())
      result += to;
    at = found + (found < text.size() ? from.size() : 0);
  }
  return result;
}

std::string replaceMatches(const std::string& text, const checkpoint::Regex& pattern, const std::string& to) {
  // Bytes that are no UTF-8 cannot be matched against; such text is left alone.
  for (size_t at = 0; at < text.size();) {
    const size_t length = characterBytes(text, at);
    if (length == 0)
      return text;
    at += length;
  }
  std::string result;
  size_t done = 0;
  for (size_t from = 0; from < text.size();) {
    const auto match = pattern.find(text, from);
    if (!match)
      break;
    if (match->first == match->second) {
      from = match->second + (match->second < text.size() ? characterOrByte(text, match->second) : 1);
      continue;
    }
    result.append(text, done, match->first - done);
    result += to;
    done = from = match->second;
  }
  return result.append(text, done);
}

std::optional<UnicodeForm> formNamed(const std::string& name) {
  constexpr std::pair<std::string_view, UnicodeForm> kForms[] = {{"NFC", UnicodeForm::Nfc},
                                                                 {"NFD", UnicodeForm::Nfd},
                                                                 {"NFKC", UnicodeForm::Nfkc},
                                                                 {"NFKD", UnicodeForm::Nfkd}};
  for (const auto& [known, form] : kForms)
    if (known == name)
      return form;
  return std::nullopt;
}

std::string stripBlanks(const std::string& text, bool left, bool right) {
  size_t begin = 0;
  size_t end = text.size();
  while (left && begin < end && blankBegins(text, begin))
    begin += characterOrByte(text, begin);
  while (right && end > begin && blankBegins(text, end - characterBytesBefore(text, end)))
    end -= characterBytesBefore(text, end);
  return text.substr(begin, end - begin);
}

} // namespace

std::string componentType(const Json& component, const std::string& origin) {
  return base::required<std::string>(component, "type", origin);
}

std::string componentPattern(const Json& component, const std::string& origin) {
  const auto pattern = component.find("pattern");
  if (pattern == component.end() || !pattern->is_object())
    base::throwJsonType(component, "pattern", "an object with String or Regex", origin);
  if (pattern->contains("Regex"))
    return base::required<std::string>(*pattern, "Regex", origin);
  std::string quoted;
  for (const char byte : base::required<std::string>(*pattern, "String", origin)) {
    const bool plain = static_cast<uint8_t>(byte) >= 0x80 || std::isalnum(static_cast<uint8_t>(byte));
    quoted += plain ? "" : "\\";
    quoted += byte;
  }
  return quoted;
}

void Normalizer::add(Step step) { m_steps.push_back(std::move(step)); }

std::string Normalizer::apply(std::string text, bool isFirst) const {
  for (const Step& step : m_steps) {
    if (const auto* prepend = std::get_if<Prepend>(&step)) {
      const bool present = prepend->unlessPresent && text.starts_with(prepend->text);
      if (!text.empty() && !present && (isFirst || !prepend->firstOnly))
        text.insert(0, prepend->text);
    } else if (const auto* replace = std::get_if<Replace>(&step)) {
      text = replaceAll(text, replace->from, replace->to);
    } else if (const auto* pattern = std::get_if<ReplacePattern>(&step)) {
      text = replaceMatches(text, *pattern->pattern, pattern->to);
    } else if (const auto* strip = std::get_if<Strip>(&step)) {
      text = stripBlanks(text, strip->left, strip->right);
    } else if (const auto* form = std::get_if<UnicodeForm>(&step)) {
      text = toForm(text, *form);
    } else if (const auto* map = std::get_if<std::shared_ptr<const CharsMap>>(&step)) {
      text = (*map)->apply(text);
    } else if (std::holds_alternative<Lowercase>(step)) {
      text = toLowercase(text);
    } else {
      text = withoutMarks(text);
    }
  }
  return text;
}

void Normalizer::addFromJson(const Json& json, const std::string& origin) {
  if (json.is_null())
    return;
  const std::string type = componentType(json, origin);
  if (type == "Sequence") {
    const auto parts = json.find("normalizers");
    if (parts == json.end() || !parts->is_array())
      base::throwJsonType(json, "normalizers", "an array", origin);
    for (const Json& part : *parts)
      addFromJson(part, origin);
  } else if (type == "Prepend") {
    add(Prepend{base::required<std::string>(json, "prepend", origin)});
  } else if (type == "Replace") {
    const auto to = base::required<std::string>(json, "content", origin);
    const auto pattern = json.find("pattern");
    if (pattern != json.end() && pattern->is_object() && pattern->contains("String")) {
      const auto from = base::required<std::string>(*pattern, "String", origin);
      if (!from.empty())
        add(Replace{from, to});
    } else {
      add(ReplacePattern{std::make_shared<const checkpoint::Regex>(componentPattern(json, origin), origin),
                         to});
    }
  } else if (type == "Strip") {
    add(Strip{base::optional<bool>(json, "strip_left", true, origin),
              base::optional<bool>(json, "strip_right", true, origin)});
  } else if (type == "Lowercase") {
    add(Lowercase{});
  } else if (type == "StripAccents") {
    add(StripMarks{});
  } else if (type == "Precompiled") {
    add(std::make_shared<const CharsMap>(
        fromBase64(base::required<std::string>(json, "precompiled_charsmap", origin),
                   origin + ": precompiled_charsmap"),
        origin));
  } else if (const auto form = formNamed(type)) {
    add(*form);
  } else {
    throw Error(ErrorCode::NotSupported,
                origin + ": normalizer '" + type.substr(0, 80) + "' is not supported");
  }
}

} // namespace nibblesmith::tokenizer
