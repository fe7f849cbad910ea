// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/added_tokens.hpp"

#include <optional>

namespace nibblesmith::tokenizer {

/// What the small files beside a Hugging Face tokenizer say: tokenizer_config.json, special_tokens_map.json,
/// added_tokens.json. Any of them may be absent.
struct SpecialTokens {
  std::optional<std::string> bos, eos, unknown, padding; ///< by content
  std::optional<bool> addBos, addEos;
  std::string tokenizerClass;
  std::vector<AddedToken> added;
};

/// Throws base::Error{Corrupt}; base::Cancelled.
SpecialTokens readSpecialTokens(const std::filesystem::path& directory, const std::stop_token& stop);

/// Reads {"id", "content", "special", "lstrip", …} as in tokenizer.json's added_tokens.
AddedToken readAddedToken(const base::Json& json, const std::string& origin);

/// Sets bos, eos, unknown and padding: by content, else from bos_token_id and so on of config.json, which is
/// beside the vocabulary's file `origin`. Throws base::Error{Corrupt} where such an id is none of the
/// vocabulary's; padding, which nothing here needs, is left unset then.
void applySpecialTokens(const SpecialTokens& special, const base::Json& config, const std::string& origin,
                        Vocabulary& vocabulary);

} // namespace nibblesmith::tokenizer
