// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/tokenizer.hpp"

#include <filesystem>
#include <stop_token>
#include <vector>

namespace nibblesmith::calibration {

/// Reads raw little-endian int32 ids (".i32"). Throws base::Error{NotFound, Corrupt} if the size is no
/// multiple of 4, or with the position of an id outside 0..vocabularySize-1.
std::vector<tokenizer::TokenId> readTokenIds(const std::filesystem::path& path, int64_t vocabularySize);

/// Returns true if the file's extension is .i32, which readTokens() reads as ids.
bool isTokenFile(const std::filesystem::path& path);

/// Reads a text file as one stream of ids (without BOS), or the ids of an ".i32" file. Throws as
/// readTokenIds(), readPlainText() and Tokenizer::encode().
std::vector<tokenizer::TokenId> readTokens(const std::filesystem::path& path,
                                           const tokenizer::Tokenizer& tokenizer,
                                           const std::stop_token& stop);

} // namespace nibblesmith::calibration
