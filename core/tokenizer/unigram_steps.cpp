// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/unigram_steps.hpp"

#include "tokenizer/base64.hpp"
#include "tokenizer/normalizer.hpp"
#include "tokenizer/pieces.hpp"

namespace nibblesmith::tokenizer {

namespace {

using base::Json;

/// Appends the steps of a component: those of a Sequence, including nested ones, or the component itself.
void appendSteps(const Json& component, const char* key, const std::string& origin,
                 std::vector<const Json*>& steps) {
  if (component.is_null())
    return;
  if (componentType(component, origin) != "Sequence") {
    steps.push_back(&component);
    return;
  }
  const auto parts = component.find(key);
  if (parts == component.end() || !parts->is_array())
    base::throwJsonType(component, key, "an array", origin);
  for (const Json& part : *parts)
    appendSteps(part, key, origin, steps);
}

std::string patternOf(const Json& step, const char* kind) {
  const auto pattern = step.find("pattern");
  const bool isThere = pattern != step.end() && pattern->is_object() && pattern->contains(kind) &&
                       pattern->at(kind).is_string();
  return isThere ? pattern->at(kind).get<std::string>() : std::string();
}

/// Returns true if a Replace turns several spaces into one, or a space into its symbol.
bool isAboutBlanks(const Json& step, const std::string& origin, Vocabulary& vocabulary) {
  const auto to = base::required<std::string>(step, "content", origin);
  const bool isBlank = to == " " || to == kBlankSymbol;
  if (isBlank && patternOf(step, "Regex") == " {2,}") {
    vocabulary.collapseSpaces = true;
    return true;
  }
  return to == kBlankSymbol && patternOf(step, "String") == " ";
}

/// Returns true if a sentencepiece model has a field for this step, and sets it in the vocabulary.
bool readNormalizerStep(const Json& step, bool isFirst, const std::string& origin, Vocabulary& vocabulary) {
  const std::string type = componentType(step, origin);
  if (type == "Precompiled" && isFirst) {
    vocabulary.charsMap = fromBase64(base::required<std::string>(step, "precompiled_charsmap", origin),
                                     origin + ": precompiled_charsmap");
    return true;
  }
  if (type == "Prepend")
    return base::required<std::string>(step, "prepend", origin) == kBlankSymbol;
  // Spaces at both ends are removed when runs of spaces are collapsed.
  return type == "Strip" || (type == "Replace" && isAboutBlanks(step, origin, vocabulary));
}

bool readSplit(const Json& step, const std::string& origin, Vocabulary& vocabulary) {
  const std::string type = componentType(step, origin);
  if (type == "WhitespaceSplit")
    vocabulary.collapseSpaces = true;
  return type == "WhitespaceSplit" ||
         (type == "Metaspace" && base::optional<std::string>(step, "replacement", std::string(kBlankSymbol),
                                                             origin) == kBlankSymbol);
}

} // namespace

void readUnigramSteps(const Json& normalizer, const Json& preTokenizer, const std::string& origin,
                      Vocabulary& vocabulary) {
  std::vector<const Json*> steps, splits;
  appendSteps(normalizer, "normalizers", origin, steps);
  appendSteps(preTokenizer, "pretokenizers", origin, splits);
  const auto refuse = [&](const char* part, const Json& step) {
    if (vocabulary.unsupportedNormalization.empty())
      vocabulary.unsupportedNormalization = std::string("the ") + part + " '" +
                                            componentType(step, origin).substr(0, 80) +
                                            "' of its tokenizer.json";
  };
  for (const Json* step : steps)
    if (!readNormalizerStep(*step, step == steps.front(), origin, vocabulary))
      refuse("normalizer", *step);
  for (const Json* step : splits)
    if (!readSplit(*step, origin, vocabulary))
      refuse("pre_tokenizer", *step);
}

} // namespace nibblesmith::tokenizer
