// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nibblesmith::calibration {

/// Returns the words of a text separated by single blanks: ASCII letters in lower case, without ASCII
/// punctuation and control characters.
std::string normalizedText(std::string_view text);

/// Returns a 64-bit hash (FNV-1a) of each of these words.
std::vector<uint64_t> wordHashes(std::string_view text);

/// Returns a hash of every n-gram of `length` words; empty if there are fewer words.
std::vector<uint64_t> ngramHashes(const std::vector<uint64_t>& words, size_t length);

} // namespace nibblesmith::calibration
