// SPDX-License-Identifier: Apache-2.0
#include "base/json.hpp"

#include "base/file.hpp"

namespace nibblesmith::base {

namespace {

/// The beginning, whole characters of UTF-8, where a text is longer than that.
std::string shortened(std::string text, size_t most) {
  if (text.size() <= most)
    return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0) == 0x80)
    --most;
  text.resize(most);
  return text + "...";
}

} // namespace

Json parseJson(std::string_view text, std::string_view origin) {
  constexpr int kMaxDepth = 64;
  const Json::parser_callback_t bound = [&](int depth, Json::parse_event_t, Json&) {
    if (depth > kMaxDepth)
      throw Error(ErrorCode::Corrupt, std::string(origin) + ": JSON is nested deeper than " +
                                          std::to_string(kMaxDepth) + " levels");
    return true;
  };
  try {
    return Json::parse(text, bound);
  } catch (const Json::exception& failure) {
    throw Error(ErrorCode::Corrupt,
                std::string(origin) + ": not valid JSON: " + shortened(failure.what(), 300));
  }
}

Json readJsonFile(const std::filesystem::path& path) {
  return parseJson(readTextFile(path, uint64_t{256} << 20), path.string());
}

void throwJsonType(const Json& object, std::string_view key, std::string_view expected,
                   std::string_view origin) {
  std::string found = "nothing";
  if (!object.is_object()) {
    found = std::string("a ") + object.type_name() + " around it";
  } else if (const auto entry = object.find(std::string(key)); entry != object.end()) {
    found = entry->dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 80);
  }
  throw Error(ErrorCode::Corrupt, std::string(origin) + ": '" + std::string(key) + "': expected " +
                                      std::string(expected) + ", found " + found);
}

} // namespace nibblesmith::base
