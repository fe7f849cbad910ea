// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/added_tokens.hpp"

#include <optional>

namespace nibblesmith::tokenizer {

/// Content of the small files of a Hugging Face tokenizer: tokenizer_config.json, special_tokens_map.json,
/// added_tokens.json. Each may be absent.
struct SpecialTokens {
  std::optional<std::string> bos, eos, unknown, padding; ///< token contents
  std::optional<bool> addBos, addEos;
  std::string tokenizerClass;
  std::vector<AddedToken> added;
};

/// Reads the files of a directory. Throws base::Error{Corrupt}; base::Cancelled.
SpecialTokens readSpecialTokens(const std::filesystem::path& directory, const std::stop_token& stop);

/// Reads {"id", "content", "special", "lstrip", …}, the form of added_tokens in tokenizer.json.
AddedToken readAddedToken(const base::Json& json, const std::string& origin);

/// Sets bos, eos, unknown and padding by content, otherwise from bos_token_id etc. in config.json. origin:
/// vocabulary file in the same directory. Throws base::Error{Corrupt} if such an id is out of range; an
/// invalid padding id is left unset instead, as padding is not used.
void applySpecialTokens(const SpecialTokens& special, const base::Json& config, const std::string& origin,
                        Vocabulary& vocabulary);

} // namespace nibblesmith::tokenizer
