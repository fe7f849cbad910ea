// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/budget.hpp"
#include "tokenizer/tokenizer.hpp"

namespace nibblesmith::tokenizer {

/// The tokenizer of Qwen's first models: lines of "base64(bytes) rank", of which neighbours are joined in the
/// order of what they become, over NFC text cut by Qwen's pattern. Behind the ranks come <|endoftext|>,
/// <|im_start|>, <|im_end|> and
/// <|extra_0|> to <|extra_204|>. Throws base::Error{Corrupt} naming the line.
/// Source: QwenLM/Qwen, tokenization_qwen.py; openai/tiktoken, src/lib.rs (_byte_pair_merge).
std::shared_ptr<const Tokenizer> readTiktoken(const std::filesystem::path& path, const base::Json& config,
                                              base::Budget& budget);

} // namespace nibblesmith::tokenizer
