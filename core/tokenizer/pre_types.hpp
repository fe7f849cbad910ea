// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/pre_tokenizer.hpp"

namespace nibblesmith::tokenizer {

/// Pre-tokenizer that llama.cpp identifies by a name in GGUF's tokenizer.ggml.pre.
struct PreType {
  std::vector<std::string> patterns; ///< applied one after the other; matches are isolated
  bool ignoreMerges = false;
  bool addBos = false; ///< default if the file has no add_bos_token
};

/// Returns the pre-tokenizer of this name. Throws base::Error{NotSupported} naming `origin` and the name.
/// Source: ggml-org/llama.cpp, src/llama-vocab.cpp.
const PreType& preTypeNamed(const std::string& name, const std::string& origin);

/// Returns the name whose patterns equal these stages; empty if llama.cpp has none.
std::string nameOfPreType(const PreTokenizer& preTokenizer, bool ignoreMerges);

/// Qwen2's pattern, for its directories with vocab.json and merges.txt.
extern const std::string kQwen2Pattern;

} // namespace nibblesmith::tokenizer
