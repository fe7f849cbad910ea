// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/pre_tokenizer.hpp"

namespace nibblesmith::tokenizer {

/// How llama.cpp names a way of cutting text in GGUF's tokenizer.ggml.pre.
struct PreType {
  std::vector<std::string> patterns; ///< applied one after the other, matches isolated
  bool ignoreMerges = false;
  bool addBos = false; ///< where the file does not say
};

/// Throws base::Error{NotSupported} naming `origin` and the name. Source: ggml-org/llama.cpp,
/// src/llama-vocab.cpp.
const PreType& preTypeNamed(const std::string& name, const std::string& origin);

/// The name whose patterns are exactly these stages; empty where llama.cpp has none.
std::string nameOfPreType(const PreTokenizer& preTokenizer, bool ignoreMerges);

/// The pattern of Qwen2, for vocab.json + merges.txt directories of it.
extern const std::string kQwen2Pattern;

} // namespace nibblesmith::tokenizer
