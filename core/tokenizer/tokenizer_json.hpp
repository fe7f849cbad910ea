// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/budget.hpp"
#include "tokenizer/tokenizer.hpp"

namespace nibblesmith::tokenizer {

/// The BPE or unigram tokenizer of a tokenizer.json. BOS and EOS come from its post-processor, unless
/// tokenizer_config.json beside it says add_bos_token or add_eos_token. Throws base::Error{Corrupt}, and
/// {NotSupported} naming the model or component that is not known, or the limit of limits.hpp. Source:
/// huggingface/tokenizers.
std::shared_ptr<const Tokenizer> readTokenizerJson(const std::filesystem::path& path,
                                                   const base::Json& config, base::Budget& budget);

/// The byte-level BPE tokenizer of vocab.json and merges.txt, cut as GPT-2's or, where tokenizer_config.json
/// says so, Qwen2's (of NFC text). Throws base::Error{Corrupt}.
std::shared_ptr<const Tokenizer> readVocabAndMerges(const std::filesystem::path& directory,
                                                    const base::Json& config, base::Budget& budget);

} // namespace nibblesmith::tokenizer
