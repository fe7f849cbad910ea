// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/tokenizer.hpp"

namespace nibblesmith::tokenizer {

/// The tokenizer of a tokenizer.model file; BOS and EOS as tokenizer_config.json beside it says (default:
/// BOS), tokens added after training (added_tokens.json, tokenizer_config.json) included. A program links one
/// of two implementations: nib::sentencepiece, which has the library behind it, or nib::no_sentencepiece,
/// which throws base::Error{NotSupported}. Throws base::Error{NotFound, Corrupt, NotSupported}.
std::shared_ptr<const Tokenizer> makeSentencepieceTokenizer(const checkpoint::Checkpoint& checkpoint,
                                                            const std::filesystem::path& path);

} // namespace nibblesmith::tokenizer
