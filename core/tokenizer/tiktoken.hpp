// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/budget.hpp"
#include "tokenizer/tokenizer.hpp"

namespace nibblesmith::tokenizer {

/// Reads the tokenizer of Qwen's first models: lines "base64(bytes) rank". Neighbors merge in the order of
/// the merged token's rank, on NFC text split by Qwen's pattern. Ids after the ranks are <|endoftext|>,
/// <|im_start|>, <|im_end|>, and <|extra_0|> to <|extra_204|>. Throws base::Error{Corrupt} naming the line.
/// Source: QwenLM/Qwen, tokenization_qwen.py; openai/tiktoken, src/lib.rs (_byte_pair_merge).
std::shared_ptr<const Tokenizer> readTiktoken(const std::filesystem::path& path, const base::Json& config,
                                              base::Budget& budget);

} // namespace nibblesmith::tokenizer
