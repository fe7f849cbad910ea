// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nibblesmith::calibration {

/// A text's words, one blank apart: ASCII letters in lower case, ASCII punctuation and control characters
/// left out.
std::string normalizedText(std::string_view text);

/// A 64-bit hash of each of those words (FNV-1a).
std::vector<uint64_t> wordHashes(std::string_view text);

/// A hash of every `length` words in a row; none where there are fewer.
std::vector<uint64_t> gramHashes(const std::vector<uint64_t>& words, size_t length);

} // namespace nibblesmith::calibration
