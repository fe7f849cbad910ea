// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/pipeline_json.hpp"

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

/// A character of a word, as the regex crate of Rust has it in \w.
const std::string kWord = R"([\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\x{200C}\x{200D}])";

SplitBehavior behaviorOf(const Json& json, const std::string& origin) {
  const auto name = base::required<std::string>(json, "behavior", origin);
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
  throw Error(ErrorCode::Corrupt, origin + ": pre_tokenizer: unknown behavior '" + name.substr(0, 80) + "'");
}

bool readByteLevel(const Json& json, const std::string& origin, BpeModel& model) {
  if (base::optional<bool>(json, "add_prefix_space", true, origin)) {
    // Put in front of the whole stretch: only the same thing where nothing has cut it yet.
    if (!model.preTokenizer.stages().empty())
      throw Error(ErrorCode::NotSupported,
                  origin +
                      ": pre_tokenizer: ByteLevel with add_prefix_space after other steps is not supported");
    model.preparation.add(Normalizer::Prepend{" ", false, true});
  }
  if (base::optional<bool>(json, "use_regex", true, origin))
    model.preTokenizer.add({kGpt2Pattern}, origin);
  return true;
}

void readMetaspace(const Json& json, const std::string& origin, BpeModel& model) {
  const auto symbol = base::optional<std::string>(json, "replacement", std::string(kBlankSymbol), origin);
  const auto scheme = base::optional<std::string>(
      json, "prepend_scheme",
      base::optional<bool>(json, "add_prefix_space", true, origin) ? "always" : "never", origin);
  model.preparation.add(Normalizer::Replace{" ", symbol});
  if (scheme != "never")
    model.preparation.add(Normalizer::Prepend{symbol, scheme == "first", true});
  if (base::optional<bool>(json, "split", true, origin))
    model.preTokenizer.add({symbol, SplitBehavior::MergedWithNext}, origin);
}

} // namespace

bool readPreTokenizer(const Json& json, const std::string& origin, BpeModel& model) {
  if (json.is_null())
    return false;
  const std::string type = componentType(json, origin + ": pre_tokenizer");
  if (type == "ByteLevel")
    return readByteLevel(json, origin, model);
  if (type == "Sequence") {
    bool byteLevel = false;
    for (const Json& part : arrayIn(json, "pretokenizers", origin))
      byteLevel = readPreTokenizer(part, origin, model) || byteLevel;
    return byteLevel;
  }
  if (type == "Split") {
    model.preTokenizer.add({componentPattern(json, origin), behaviorOf(json, origin),
                            base::optional<bool>(json, "invert", false, origin)},
                           origin);
  } else if (type == "Digits") {
    const bool individual = base::optional<bool>(json, "individual_digits", false, origin);
    model.preTokenizer.add({individual ? R"(\p{N})" : R"(\p{N}+)"}, origin);
  } else if (type == "Punctuation") {
    const bool named = json.contains("behavior");
    model.preTokenizer.add(
        {R"([\p{P}$+<=>^`|~])", named ? behaviorOf(json, origin) : SplitBehavior::Isolated}, origin);
  } else if (type == "Whitespace") {
    model.preTokenizer.add({kWord + "+|(?:(?!" + kWord + ")\\S)+", SplitBehavior::Removed, true}, origin);
  } else if (type == "WhitespaceSplit") {
    model.preTokenizer.add({R"(\s+)", SplitBehavior::Removed}, origin);
  } else if (type == "Metaspace") {
    readMetaspace(json, origin, model);
  } else {
    throw Error(ErrorCode::NotSupported,
                origin + ": pre_tokenizer '" + type.substr(0, 80) + "' is not supported");
  }
  return false;
}

namespace {

/// The token of "cls" or "sep": a pair of its text and id, of which the text counts.
TokenId pairedToken(const Json& json, const char* key, const TokenIndex& index, const std::string& origin) {
  const auto pair = json.find(key);
  if (pair == json.end() || !pair->is_array() || pair->size() != 2 || !(*pair)[0].is_string())
    base::throwJsonType(json, key, "a pair of token and id", origin + ": post_processor");
  const auto token = (*pair)[0].get<std::string>();
  const auto found = index.find(token);
  if (found == index.end())
    throw Error(ErrorCode::Corrupt,
                origin + ": post_processor: '" + token.substr(0, 80) + "' is not in the vocabulary");
  return found->second;
}

} // namespace

void readPostProcessor(const Json& json, const TokenIndex& index, const std::string& origin,
                       BpeModel& model) {
  if (json.is_null())
    return;
  const std::string type = componentType(json, origin + ": post_processor");
  if (type == "ByteLevel")
    return;
  if (type == "Sequence") {
    for (const Json& part : arrayIn(json, "processors", origin))
      readPostProcessor(part, index, origin, model);
    return;
  }
  if (type == "BertProcessing" || type == "RobertaProcessing") {
    model.prefix.push_back(pairedToken(json, "cls", index, origin));
    model.suffix.push_back(pairedToken(json, "sep", index, origin));
    return;
  }
  if (type != "TemplateProcessing")
    throw Error(ErrorCode::NotSupported,
                origin + ": post_processor '" + type.substr(0, 80) + "' is not supported");
  bool afterText = false;
  for (const Json& part : arrayIn(json, "single", origin)) {
    if (part.is_object() && part.contains("Sequence")) {
      afterText = true;
      continue;
    }
    const auto special = part.is_object() ? part.find("SpecialToken") : part.end();
    if (!part.is_object() || special == part.end() || !special->is_object())
      base::throwJsonType(json, "single", "an array of Sequence and SpecialToken",
                          origin + ": post_processor");
    const auto token = base::required<std::string>(*special, "id", origin + ": post_processor");
    const auto found = index.find(token);
    if (found == index.end())
      throw Error(ErrorCode::Corrupt,
                  origin + ": post_processor: '" + token.substr(0, 80) + "' is not in the vocabulary");
    (afterText ? model.suffix : model.prefix).push_back(found->second);
  }
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
    throw Error(ErrorCode::NotSupported, origin + ": decoder '" + type.substr(0, 80) + "' is not supported");
}

} // namespace nibblesmith::tokenizer
