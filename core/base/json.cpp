// SPDX-License-Identifier: Apache-2.0
#include "base/json.hpp"

#include "base/foreign_text.hpp"
#include "base/input_file.hpp"
#include "base/json_builder.hpp"

namespace nibblesmith::base {

namespace {

constexpr uint64_t kMaxFileBytes = uint64_t{256} << 20;
// The parser keeps several copies of a string or number until it is complete.
constexpr size_t kMaxTokenBytes = size_t{32} << 20;

/// Throws if a string or number exceeds the limit, before the parser allocates memory for it.
void requireShortTokens(std::string_view text, std::string_view origin) {
  bool inString = false;
  size_t begin = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (inString && c == '\\')
      ++at;
    else if (c == '"')
      inString = !inString;
    const bool between =
        c == '"' || (!inString && (c == ',' || c == ':' || c == '[' || c == ']' || c == '{' || c == '}' ||
                                   c == ' ' || c == '\n' || c == '\t' || c == '\r'));
    if (between)
      begin = at;
    else if (at - begin > kMaxTokenBytes)
      throw Error(ErrorCode::Corrupt, std::string(origin) + ": byte " + std::to_string(begin) +
                                          ": expected strings of at most " + std::to_string(kMaxTokenBytes) +
                                          " bytes, found a longer one: '" +
                                          foreignText(text.substr(begin, kMaxTokenBytes), 80) + "'");
  }
}

void parse(std::string_view text, std::string_view origin, JsonBuilder& builder) {
  requireShortTokens(text, origin);
  Json::sax_parse(text, &builder);
}

/// Appends the value as JSON for messages: long strings are cut, and entries are omitted once `text` is long.
void appendBrief(const Json& value, std::string& text) {
  constexpr size_t kLong = 60;
  if (value.is_string())
    text += '"' + foreignText(value.get_ref<const std::string&>(), kLong) + '"';
  else if (!value.is_structured())
    text += value.dump();
  if (!value.is_structured())
    return;
  const char* separator = value.is_object() ? "{" : "[";
  for (auto entry = value.begin(); entry != value.end(); ++entry, separator = ",") {
    text += separator;
    if (text.size() > kLong) {
      text += "...";
      break;
    }
    if (value.is_object())
      text += '"' + foreignText(entry.key(), kLong) + "\":";
    appendBrief(*entry, text);
  }
  if (value.empty())
    text += separator;
  text += value.is_object() ? '}' : ']';
}

} // namespace

Json parseJson(std::string_view text, std::string_view origin, const std::stop_token& stop) {
  JsonBuilder builder(origin, stop, nullptr);
  parse(text, origin, builder);
  return builder.takeResult();
}

Json readJsonFile(const std::filesystem::path& path, const std::stop_token& stop) {
  return parseJson(readTextFile(path, kMaxFileBytes, stop), path.string(), stop);
}

void forEachJsonEntry(std::string_view text, std::string_view origin, Json::value_t container,
                      std::string_view expected, const JsonEntryVisitor& visit, const std::stop_token& stop) {
  const JsonEntries entries{container, expected, visit};
  JsonBuilder builder(origin, stop, &entries);
  parse(text, origin, builder);
}

std::string briefJson(const Json& value) {
  std::string text;
  appendBrief(value, text);
  return text;
}

void throwJsonType(const Json& object, std::string_view key, std::string_view expected,
                   std::string_view origin) {
  std::string found = "nothing";
  if (!object.is_object()) {
    found = std::string("a ") + object.type_name() + " around it";
  } else if (const auto entry = object.find(std::string(key)); entry != object.end()) {
    found = briefJson(*entry);
  }
  throw Error(ErrorCode::Corrupt, std::string(origin) + ": '" + foreignText(key) + "': expected " +
                                      std::string(expected) + ", found " + found);
}

const Json& requiredArray(const Json& object, const std::string& key, std::string_view origin) {
  if (!object.is_object() || !object.contains(key) || !object.at(key).is_array())
    throwJsonType(object, key, "an array", origin);
  return object.at(key);
}

const Json& requiredObject(const Json& object, const std::string& key, std::string_view origin) {
  if (!object.is_object() || !object.contains(key) || !object.at(key).is_object())
    throwJsonType(object, key, "an object", origin);
  return object.at(key);
}

const Json& optionalObject(const Json& object, const std::string& key, std::string_view origin) {
  static const Json kNone = Json::object();
  const bool isThere = object.is_object() && object.contains(key) && !object.at(key).is_null();
  return isThere ? requiredObject(object, key, origin) : kNone;
}

} // namespace nibblesmith::base
