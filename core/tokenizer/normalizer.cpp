// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/normalizer.hpp"

#include "tokenizer/base64.hpp"
#include "tokenizer/limits.hpp"
#include "tokenizer/utf8.hpp"

#include <optional>

namespace nibblesmith::tokenizer {

namespace {

using base::Budget;
using base::Error;
using base::ErrorCode;
using base::Json;

/// Text builder that charges its memory to a budget.
class HeldText {
public:
  HeldText(Budget& budget, std::string_view field) : m_budget(budget), m_field(field) {}
  void append(std::string_view part) {
    m_budget.hold(part.size(), m_field);
    m_text += part;
  }
  std::string take() { return std::move(m_text); }

private:
  Budget& m_budget;
  std::string_view m_field;
  std::string m_text;
};

/// Works like find(), and checks the budget regularly. Returns the end of the text if there is no match.
size_t findPart(std::string_view text, std::string_view part, size_t from, Budget& budget,
                std::string_view field) {
  constexpr size_t kStride = 1 << 16;
  for (size_t at = from; at < text.size(); at += kStride) {
    const std::string_view window = text.substr(at, kStride + part.size() - 1);
    const size_t found = window.find(part);
    budget.step(1 + std::min({found, window.size(), kStride}), field);
    if (found != std::string_view::npos)
      return at + found;
  }
  return text.size();
}

std::string replaceAll(std::string_view text, const Normalizer::Replace& replace, Budget& budget,
                       std::string_view field) {
  HeldText result(budget, field);
  for (size_t at = 0; at < text.size();) {
    const size_t found = findPart(text, replace.from, at, budget, field);
    result.append(text.substr(at, found - at));
    if (found < text.size())
      result.append(replace.to);
    at = found + (found < text.size() ? replace.from.size() : 0);
  }
  return result.take();
}

std::string replaceMatches(std::string_view text, const Normalizer::ReplacePattern& replace, Budget& budget,
                           std::string_view field) {
  HeldText result(budget, field);
  size_t done = 0;
  // PCRE2 needs valid UTF-8; other text is left unchanged.
  for (size_t from = isUtf8(text) ? 0 : text.size(); from < text.size();) {
    const auto match = replace.pattern->find(text, from, budget);
    if (!match)
      break;
    if (match->first == match->second) {
      from = match->second + (match->second < text.size() ? characterOrByte(text, match->second) : 1);
      continue;
    }
    result.append(text.substr(done, match->first - done));
    result.append(replace.to);
    done = from = match->second;
  }
  result.append(text.substr(done));
  return result.take();
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

std::string_view stripBlanks(std::string_view text, const Normalizer::Strip& strip) {
  size_t begin = 0;
  size_t end = text.size();
  while (strip.left && begin < end && blankBegins(text, begin))
    begin += characterOrByte(text, begin);
  while (strip.right && end > begin && blankBegins(text, end - characterBytesBefore(text, end)))
    end -= characterBytesBefore(text, end);
  return text.substr(begin, end - begin);
}

/// Applies one step. Charges the memory of the result in addition to that of the input.
struct StepOnText {
  std::string_view text;
  bool isFirst;
  Budget& budget;
  std::string_view field;

  std::string operator()(const Normalizer::Prepend& prepend) const {
    HeldText result(budget, field);
    const bool present = prepend.unlessPresent && text.starts_with(prepend.text);
    if (!text.empty() && !present && (isFirst || !prepend.firstOnly))
      result.append(prepend.text);
    result.append(text);
    return result.take();
  }
  std::string operator()(const Normalizer::Replace& replace) const {
    return replaceAll(text, replace, budget, field);
  }
  std::string operator()(const Normalizer::ReplacePattern& replace) const {
    return replaceMatches(text, replace, budget, field);
  }
  std::string operator()(const Normalizer::Strip& strip) const {
    HeldText result(budget, field);
    result.append(stripBlanks(text, strip));
    return result.take();
  }
  std::string operator()(UnicodeForm form) const { return toForm(text, form, budget, field); }
  std::string operator()(Normalizer::Lowercase) const { return toLowercase(text, budget, field); }
  std::string operator()(Normalizer::StripMarks) const { return withoutMarks(text, budget, field); }
  template <typename Rules>
  std::string operator()(const std::shared_ptr<const Rules>& rules) const {
    return rules->apply(text, budget, field);
  }
};

/// Returns the size of the texts that a step searches and inserts.
size_t textBytes(const Normalizer::Step& step) {
  if (const auto* prepend = std::get_if<Normalizer::Prepend>(&step))
    return prepend->text.size();
  if (const auto* replace = std::get_if<Normalizer::Replace>(&step))
    return std::max(replace->from.size(), replace->to.size());
  const auto* pattern = std::get_if<Normalizer::ReplacePattern>(&step);
  return pattern ? pattern->to.size() : 0;
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

void Normalizer::add(Step step, const std::string& origin) {
  const std::string field = m_field + ": step " + std::to_string(m_steps.size() + 1);
  base::checkLimit(m_steps.size() + 1, limits::kSteps, "steps", origin + ": " + m_field);
  base::checkLimit(textBytes(step), limits::kStepBytes, "bytes of text", origin + ": " + field);
  m_steps.push_back({std::move(step), field});
}

std::string Normalizer::apply(std::string_view text, bool isFirst, Budget& budget) const {
  budget.hold(text.size(), m_field);
  std::string result(text);
  for (const auto& [step, field] : m_steps) {
    budget.step(1 + result.size() / 8, field);
    std::string next = std::visit(StepOnText{result, isFirst, budget, field}, step);
    budget.release(result.size());
    result = std::move(next);
  }
  return result;
}

void Normalizer::addReplace(const Json& json, const std::string& origin) {
  const std::string where = origin + ": " + m_field;
  const auto to = base::required<std::string>(json, "content", where);
  const auto found = json.find("pattern");
  if (found != json.end() && found->is_object() && found->contains("String")) {
    const auto from = base::required<std::string>(*found, "String", where);
    if (!from.empty())
      add(Replace{from, to}, origin);
    return;
  }
  const std::string pattern = componentPattern(json, where);
  m_patternBytes += pattern.size();
  base::checkLimit(m_patternBytes, limits::kPatternBytes, "bytes of patterns", where);
  add(ReplacePattern{std::make_shared<const checkpoint::Regex>(pattern, origin, m_field), to}, origin);
}

void Normalizer::addFromJson(const Json& json, const std::string& origin) {
  if (json.is_null())
    return;
  const std::string where = origin + ": " + m_field;
  const std::string type = componentType(json, where);
  if (type == "Sequence") {
    const auto parts = json.find("normalizers");
    if (parts == json.end() || !parts->is_array())
      base::throwJsonType(json, "normalizers", "an array", where);
    for (const Json& part : *parts)
      addFromJson(part, origin);
  } else if (type == "Prepend") {
    add(Prepend{base::required<std::string>(json, "prepend", where)}, origin);
  } else if (type == "Replace") {
    addReplace(json, origin);
  } else if (type == "Strip") {
    add(Strip{base::optional<bool>(json, "strip_left", true, where),
              base::optional<bool>(json, "strip_right", true, where)},
        origin);
  } else if (type == "Lowercase") {
    add(Lowercase{}, origin);
  } else if (type == "StripAccents") {
    add(StripMarks{}, origin);
  } else if (type == "Precompiled") {
    const std::string table = fromBase64(base::required<std::string>(json, "precompiled_charsmap", where),
                                         where + ": precompiled_charsmap");
    add(std::make_shared<const CharsMap>(table, where + ": precompiled_charsmap"), origin);
  } else if (const auto form = formNamed(type)) {
    add(*form, origin);
  } else {
    throw Error(ErrorCode::NotSupported, where + ": type '" + type.substr(0, 80) + "' is not supported");
  }
}

} // namespace nibblesmith::tokenizer
