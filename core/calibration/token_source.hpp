// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/tokenizer.hpp"

#include <filesystem>
#include <vector>

namespace nibblesmith::calibration {

/// A file of raw little-endian int32 ids (".i32"). Throws base::Error{NotFound, Corrupt}: a size that is no
/// multiple of 4, an id outside 0..vocabularySize-1 (position named).
std::vector<tokenizer::TokenId> readTokenIds(const std::filesystem::path& path, int64_t vocabularySize);

/// Whether readTokens() takes a file for ids: by its name.
bool isTokenFile(const std::filesystem::path& path);

/// A text file as one stream of ids (no BOS), or the ids of an ".i32" file.
std::vector<tokenizer::TokenId> readTokens(const std::filesystem::path& path,
                                           const tokenizer::Tokenizer& tokenizer);

} // namespace nibblesmith::calibration
