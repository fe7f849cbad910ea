// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/pre_types.hpp"

#include <algorithm>

namespace nibblesmith::tokenizer {

const std::string kQwen2Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

namespace {

const std::string kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

const std::string kTekkenPattern =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
    R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)"
    R"(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

const std::string kGpt4oPattern =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

// The ranges are those of the models' own files.
const std::string kDeepSeekScripts = R"([\x{4E00}-\x{9FA5}\x{0800}-\x{4E00}\x{AC00}-\x{D7FF}]+)";
const std::string kDeepSeek3Scripts = R"([\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+)";
const std::string kDeepSeek3Pattern =
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+)"
    R"(| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

struct Named {
  std::vector<std::string> names; ///< the first is the one that is written
  PreType type;
};

const std::vector<Named>& preTypes() {
  static const std::vector<Named> kTypes = {
      {{"gpt-2", "phi-2", "jina-es", "jina-de", "jina-v2-es", "jina-v2-de", "gigachat", "a.x-4.0", "mellum",
        "modern-bert", "exaone4", "roberta-bpe", "jina-v1-en", "jina-v2-code", "mpt", "olmo", "jais", "trillion", "granite-docling"},
       {{kGpt2Pattern}}},
      {{"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b", "mellum2"},
       {{R"(\p{N})", kGpt2Pattern}}},
      {{"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "jina-v5-nano"},
       {{kLlama3Pattern}, true, true}},
      {{"dbrx", "smaug-bpe", "chatglm-bpe"}, {{kLlama3Pattern}}},
      {{"glm4", "glm5"}, {{kLlama3Pattern}, true}},
      {{"qwen2", "stablelm2", "deepseek-r1-qwen", "kormo", "megrez", "hunyuan", "solar-open", "grok-2", "f2llmv2"},
       {{kQwen2Pattern}}},
      {{"tekken"}, {{kTekkenPattern}, true, true}},
      {{"gpt-4o", "llama4", "kanana2", "minimax-m2"}, {{kGpt4oPattern}}},
      {{"deepseek-coder"}, {{R"([\r\n])", R"(\s?\p{L}+)", R"(\s?\p{P}+)", kDeepSeekScripts, R"(\p{N})"}}},
      {{"deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"}, {{R"(\p{N}{1,3})", kDeepSeek3Scripts, kDeepSeek3Pattern}}},
      {{"falcon"}, {{R"([\p{P}\$\+<=>\^~\|`]+)", kGpt2Pattern, R"([0-9][0-9][0-9])"}}},
      {{"default"}, {{R"([\p{P}\$\+<=>\^~\|]+)", kGpt2Pattern, R"(\p{N}+)", R"([0-9][0-9][0-9])"}}},
  };
  return kTypes;
}

} // namespace

const PreType& preTypeNamed(const std::string& name, const std::string& origin) {
  for (const Named& named : preTypes())
    if (std::find(named.names.begin(), named.names.end(), name) != named.names.end())
      return named.type;
  throw base::Error(base::ErrorCode::NotSupported, origin + ": tokenizer.ggml.pre: the pre-tokenizer '" +
                                                       name.substr(0, 80) + "' is not supported");
}

std::string nameOfPreType(const PreTokenizer& preTokenizer, bool ignoreMerges) {
  std::vector<std::string> patterns;
  for (const PreTokenizer::Stage& stage : preTokenizer.stages()) {
    if (stage.behavior != SplitBehavior::Isolated || stage.invert)
      return {};
    patterns.push_back(stage.pattern);
  }
  for (const Named& named : preTypes())
    if (named.type.patterns == patterns && named.type.ignoreMerges == ignoreMerges)
      return named.names.front();
  return {};
}

} // namespace nibblesmith::tokenizer
