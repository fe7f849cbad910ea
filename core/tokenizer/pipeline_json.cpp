// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/pipeline_json.hpp"

#include "tokenizer/limits.hpp"
#include "tokenizer/pieces.hpp"

#include <algorithm>

namespace nibblesmith::tokenizer {

namespace {

using base::Error;
using base::ErrorCode;
using base::Json;

const Json& arrayIn(const Json& object, const char* key, const std::string& origin) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_array())
    base::throwJsonType(object, key, "an array", origin);
  return *found;
}

/// Word character, equal to \w of Rust's regex crate.
const std::string kWord = R"([\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\x{200C}\x{200D}])";

SplitBehavior behaviorOf(const Json& json, const std::string& where) {
  const auto name = base::required<std::string>(json, "behavior", where);
  if (name == "Isolated" || name == "isolated")
    return SplitBehavior::Isolated;
  if (name == "Removed" || name == "removed")
    return SplitBehavior::Removed;
  if (name == "MergedWithPrevious" || name == "merged_with_previous")
    return SplitBehavior::MergedWithPrevious;
  if (name == "MergedWithNext" || name == "merged_with_next")
    return SplitBehavior::MergedWithNext;
  if (name == "Contiguous" || name == "contiguous")
    return SplitBehavior::Contiguous;
  throw Error(ErrorCode::Corrupt, where + ": unknown behavior '" + name.substr(0, 80) + "'");
}

bool readByteLevel(const Json& json, const std::string& origin, BpeModel& model) {
  const std::string where = origin + ": pre_tokenizer";
  if (base::optional<bool>(json, "add_prefix_space", true, where)) {
    // The prefix applies to the whole part, which is only equivalent before any split.
    if (!model.preTokenizer.stages().empty())
      throw Error(ErrorCode::NotSupported,
                  where + ": ByteLevel with add_prefix_space after other steps is not supported");
    model.preparation.add(Normalizer::Prepend{" ", false, true}, origin);
  }
  if (base::optional<bool>(json, "use_regex", true, where))
    model.preTokenizer.add({kGpt2Pattern}, origin);
  return true;
}

void readMetaspace(const Json& json, const std::string& origin, BpeModel& model) {
  const std::string where = origin + ": pre_tokenizer";
  const auto symbol = base::optional<std::string>(json, "replacement", std::string(kBlankSymbol), where);
  const auto scheme = base::optional<std::string>(
      json, "prepend_scheme",
      base::optional<bool>(json, "add_prefix_space", true, where) ? "always" : "never", where);
  model.preparation.add(Normalizer::Replace{" ", symbol}, origin);
  if (scheme != "never")
    model.preparation.add(Normalizer::Prepend{symbol, scheme == "first", true}, origin);
  if (base::optional<bool>(json, "split", true, where))
    model.preTokenizer.add({symbol, SplitBehavior::MergedWithNext}, origin);
}

} // namespace

bool readPreTokenizer(const Json& json, const std::string& origin, BpeModel& model) {
  if (json.is_null())
    return false;
  const std::string where = origin + ": pre_tokenizer";
  const std::string type = componentType(json, where);
  if (type == "ByteLevel")
    return readByteLevel(json, origin, model);
  if (type == "Sequence") {
    bool byteLevel = false;
    for (const Json& part : arrayIn(json, "pretokenizers", where))
      byteLevel = readPreTokenizer(part, origin, model) || byteLevel;
    return byteLevel;
  }
  if (type == "Split") {
    model.preTokenizer.add({componentPattern(json, where), behaviorOf(json, where),
                            base::optional<bool>(json, "invert", false, where)},
                           origin);
  } else if (type == "Digits") {
    const bool individual = base::optional<bool>(json, "individual_digits", false, where);
    model.preTokenizer.add({individual ? R"(\p{N})" : R"(\p{N}+)"}, origin);
  } else if (type == "Punctuation") {
    const bool named = json.contains("behavior");
    model.preTokenizer.add({R"([\p{P}$+<=>^`|~])", named ? behaviorOf(json, where) : SplitBehavior::Isolated},
                           origin);
  } else if (type == "Whitespace") {
    model.preTokenizer.add({kWord + "+|(?:(?!" + kWord + ")\\S)+", SplitBehavior::Removed, true}, origin);
  } else if (type == "WhitespaceSplit") {
    model.preTokenizer.add({R"(\s+)", SplitBehavior::Removed}, origin);
  } else if (type == "Metaspace") {
    readMetaspace(json, origin, model);
  } else {
    throw Error(ErrorCode::NotSupported, where + ": type '" + type.substr(0, 80) + "' is not supported");
  }
  return false;
}

namespace {

/// Reads the tokens that a post-processor adds around the text.
class Surroundings {
public:
  Surroundings(const TokenIndex& index, std::string where, BpeModel& model)
      : m_index(index), m_where(std::move(where)), m_model(model) {}

  void read(const Json& json);

private:
  void add(const std::string& token, std::vector<TokenId>& side) const;
  /// Adds "cls" or "sep", a pair of text and id. The text is used, the id ignored.
  void addPaired(const Json& json, const char* key, std::vector<TokenId>& side) const;
  void readTemplate(const Json& json);

  const TokenIndex& m_index;
  std::string m_where;
  BpeModel& m_model;
};

void Surroundings::add(const std::string& token, std::vector<TokenId>& side) const {
  const auto found = m_index.find(token);
  if (found == m_index.end())
    throw Error(ErrorCode::Corrupt, m_where + ": '" + token.substr(0, 80) + "' is not in the vocabulary");
  base::checkLimit(side.size() + 1, limits::kSurroundingTokens, "tokens on one side of a text", m_where);
  side.push_back(found->second);
}

void Surroundings::addPaired(const Json& json, const char* key, std::vector<TokenId>& side) const {
  const auto pair = json.find(key);
  if (pair == json.end() || !pair->is_array() || pair->size() != 2 || !(*pair)[0].is_string())
    base::throwJsonType(json, key, "a pair of token and id", m_where);
  add((*pair)[0].get_ref<const std::string&>(), side);
}

void Surroundings::readTemplate(const Json& json) {
  bool afterText = false;
  for (const Json& part : arrayIn(json, "single", m_where)) {
    if (part.is_object() && part.contains("Sequence")) {
      afterText = true;
      continue;
    }
    const auto special = part.is_object() ? part.find("SpecialToken") : part.end();
    if (!part.is_object() || special == part.end() || !special->is_object())
      base::throwJsonType(json, "single", "an array of Sequence and SpecialToken", m_where);
    add(base::required<std::string>(*special, "id", m_where), afterText ? m_model.suffix : m_model.prefix);
  }
}

void Surroundings::read(const Json& json) {
  const std::string type = componentType(json, m_where);
  if (type == "ByteLevel")
    return;
  if (type == "Sequence") {
    for (const Json& part : arrayIn(json, "processors", m_where))
      read(part);
  } else if (type == "BertProcessing" || type == "RobertaProcessing") {
    addPaired(json, "cls", m_model.prefix);
    addPaired(json, "sep", m_model.suffix);
  } else if (type == "TemplateProcessing") {
    readTemplate(json);
  } else {
    throw Error(ErrorCode::NotSupported, m_where + ": type '" + type.substr(0, 80) + "' is not supported");
  }
}

} // namespace

void readPostProcessor(const Json& json, const TokenIndex& index, const std::string& origin,
                       BpeModel& model) {
  if (!json.is_null())
    Surroundings(index, origin + ": post_processor", model).read(json);
}

void checkDecoder(const Json& json, const std::string& origin) {
  if (json.is_null())
    return;
  const std::string type = componentType(json, origin + ": decoder");
  if (type == "Sequence") {
    for (const Json& part : arrayIn(json, "decoders", origin + ": decoder"))
      checkDecoder(part, origin);
    return;
  }
  constexpr std::string_view kKnown[] = {"ByteLevel",    "Metaspace", "Replace",
                                         "ByteFallback", "Fuse",      "Strip"};
  if (std::find(std::begin(kKnown), std::end(kKnown), type) == std::end(kKnown))
    throw Error(ErrorCode::NotSupported,
                origin + ": decoder: type '" + type.substr(0, 80) + "' is not supported");
}

} // namespace nibblesmith::tokenizer
