// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/budget.hpp"
#include "tokenizer/tokenizer.hpp"

namespace nibblesmith::tokenizer {

/// Reads the BPE or unigram tokenizer of a tokenizer.json. BOS and EOS come from its post-processor, unless
/// tokenizer_config.json has add_bos_token or add_eos_token. Throws base::Error{Corrupt}; {NotSupported}
/// naming the unknown model or component, or the exceeded limit in limits.hpp. Source:
/// huggingface/tokenizers.
std::shared_ptr<const Tokenizer> readTokenizerJson(const std::filesystem::path& path,
                                                   const base::Json& config, base::Budget& budget);

/// Reads the byte-level BPE tokenizer of vocab.json and merges.txt, with GPT-2's pattern or, if
/// tokenizer_config.json names it, Qwen2's (on NFC text). Throws base::Error{Corrupt}.
std::shared_ptr<const Tokenizer> readVocabAndMerges(const std::filesystem::path& directory,
                                                    const base::Json& config, base::Budget& budget);

} // namespace nibblesmith::tokenizer
