// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/special_tokens.hpp"

#include "tokenizer/limits.hpp"
#include "tokenizer/vocabulary_builder.hpp"

#include <charconv>

namespace nibblesmith::tokenizer {

namespace {

using base::Json;

std::optional<Json> readIfThere(const std::filesystem::path& path, const std::stop_token& stop) {
  if (!base::fileExists(path))
    return std::nullopt;
  Json json = base::readJsonFile(path, stop);
  if (!json.is_object())
    throw base::Error(base::ErrorCode::Corrupt,
                      path.string() + ": expected a JSON object, found " + json.type_name());
  return json;
}

// "bos_token" is a string, or an object with "content".
void readContent(const Json& json, const char* key, std::optional<std::string>& content) {
  const auto entry = json.find(key);
  if (content || entry == json.end())
    return;
  if (entry->is_string())
    content = entry->get<std::string>();
  else if (entry->is_object() && entry->contains("content") && (*entry)["content"].is_string())
    content = (*entry)["content"].get<std::string>();
}

void readContents(const Json& json, SpecialTokens& special) {
  readContent(json, "bos_token", special.bos);
  readContent(json, "eos_token", special.eos);
  readContent(json, "unk_token", special.unknown);
  readContent(json, "pad_token", special.padding);
}

void readFlag(const Json& json, const char* key, const std::string& origin, std::optional<bool>& flag) {
  if (json.contains(key) && !json[key].is_null())
    flag = base::required<bool>(json, key, origin);
}

// "added_tokens_decoder": { "32000": { "content": … } }
void readDecoder(const Json& json, const std::string& origin, SpecialTokens& special) {
  const auto decoder = json.find("added_tokens_decoder");
  if (decoder == json.end() || !decoder->is_object())
    return;
  base::checkLimit(decoder->size(), limits::kTokens, "tokens", origin + ": added_tokens_decoder");
  for (const auto& [key, entry] : decoder->items()) {
    Json withId = entry;
    int64_t id = -1;
    const auto [end, failure] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (failure != std::errc() || end != key.data() + key.size() || !entry.is_object())
      base::throwJsonType(*decoder, key, "an id with an object", origin);
    withId["id"] = id;
    special.added.push_back(readAddedToken(withId, origin));
  }
}

/// Marks BOS etc. as special whatever their entries contain, like transformers does.
void markNamed(SpecialTokens& special) {
  for (AddedToken& token : special.added)
    for (const auto& named : {special.bos, special.eos, special.unknown, special.padding})
      if (named && token.content == *named) {
        token.special = true;
        token.normalized = false;
      }
}

/// Returns the first or only id under a key of config.json; -1 if absent. where: file for the error if the id
/// is out of range; if empty, such an id counts as absent.
TokenId idIn(const Json& config, const char* key, const std::string& where, size_t tokens) {
  if (!config.is_object() || !config.contains(key))
    return -1;
  const Json& entry = config[key];
  const Json ids = entry.is_array() ? entry : Json::array({entry});
  for (const Json& id : ids) {
    const bool isNone = id.is_null() || id == -1;
    const bool fits = id.is_number_integer() && id >= 0 && id < tokens;
    if (!isNone && !fits && where.empty())
      return -1;
    if (!isNone && !fits)
      throw base::Error(base::ErrorCode::Corrupt, where + ": '" + key + "': expected an id below " +
                                                      std::to_string(tokens) +
                                                      ", the number of tokens, found " + base::briefJson(id));
  }
  return !ids.empty() && ids[0].is_number_integer() ? ids[0].get<TokenId>() : -1;
}

TokenId idOf(const std::string& content, const TokenIndex& index) {
  const auto found = index.find(content);
  return found == index.end() ? -1 : found->second;
}

} // namespace

AddedToken readAddedToken(const Json& json, const std::string& origin) {
  const std::string where = origin + ": added token";
  const auto id = base::required<int64_t>(json, "id", where);
  if (id < 0 || id > INT32_MAX)
    base::throwJsonType(json, "id", "an id of 0 or more", where);
  AddedToken token;
  token.id = static_cast<TokenId>(id);
  token.content = base::required<std::string>(json, "content", where);
  token.special = base::optional<bool>(json, "special", false, where);
  token.stripLeft = base::optional<bool>(json, "lstrip", false, where);
  token.stripRight = base::optional<bool>(json, "rstrip", false, where);
  token.singleWord = base::optional<bool>(json, "single_word", false, where);
  // Control tokens are always matched in the unnormalized text.
  token.normalized = base::optional<bool>(json, "normalized", false, where) && !token.special;
  return token;
}

SpecialTokens readSpecialTokens(const std::filesystem::path& directory, const std::stop_token& stop) {
  SpecialTokens special;
  if (const auto config = readIfThere(directory / "tokenizer_config.json", stop)) {
    const std::string origin = (directory / "tokenizer_config.json").string();
    readContents(*config, special);
    readFlag(*config, "add_bos_token", origin, special.addBos);
    readFlag(*config, "add_eos_token", origin, special.addEos);
    special.tokenizerClass = base::optional<std::string>(*config, "tokenizer_class", "", origin);
    readDecoder(*config, origin, special);
  }
  if (const auto map = readIfThere(directory / "special_tokens_map.json", stop))
    readContents(*map, special);
  if (const auto added = readIfThere(directory / "added_tokens.json", stop); added && special.added.empty()) {
    base::checkLimit(added->size(), limits::kTokens, "tokens", (directory / "added_tokens.json").string());
    for (const auto& [content, id] : added->items())
      special.added.push_back(
          readAddedToken({{"id", id}, {"content", content}, {"special", content.starts_with('<')}},
                         (directory / "added_tokens.json").string()));
  }
  markNamed(special);
  return special;
}

void applySpecialTokens(const SpecialTokens& special, const Json& config, const std::string& origin,
                        Vocabulary& vocabulary) {
  const TokenIndex index = indexTokens(vocabulary);
  const std::string where = (std::filesystem::path(origin).parent_path() / "config.json").string();
  const auto set = [&](TokenId& id, const std::optional<std::string>& content, const char* key,
                       const std::string& file) {
    const TokenId found = content ? idOf(*content, index) : idIn(config, key, file, vocabulary.tokens.size());
    if (found >= 0)
      id = found;
  };
  set(vocabulary.bos, special.bos, "bos_token_id", where);
  set(vocabulary.eos, special.eos, "eos_token_id", where);
  set(vocabulary.unknown, special.unknown, "unk_token_id", where);
  // Padding is not used, and some models have a padding id that their tokenizer lacks.
  set(vocabulary.padding, special.padding, "pad_token_id", {});
}

} // namespace nibblesmith::tokenizer
