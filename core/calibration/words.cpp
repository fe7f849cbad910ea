// SPDX-License-Identifier: Apache-2.0
#include "calibration/words.hpp"

namespace nibblesmith::calibration {

namespace {

constexpr uint64_t kFnvBasis = 14695981039346656037ULL;
constexpr uint64_t kFnvPrime = 1099511628211ULL;

bool isUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool isBlank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
/// Returns true for bytes of words: letters, digits, and all bytes of characters outside ASCII.
bool isWord(char c) {
  return isUpper(c) || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || static_cast<uint8_t>(c) >= 0x80;
}

} // namespace

std::string normalizedText(std::string_view text) {
  std::string result;
  bool isBetween = false;
  for (const char c : text) {
    if (isBlank(c)) {
      isBetween = !result.empty();
    } else if (isWord(c)) {
      if (isBetween)
        result += ' ';
      isBetween = false;
      result += isUpper(c) ? static_cast<char>(c - 'A' + 'a') : c;
    }
  }
  return result;
}

std::vector<uint64_t> wordHashes(std::string_view text) {
  const std::string normalized = normalizedText(text);
  std::vector<uint64_t> hashes;
  uint64_t hash = kFnvBasis;
  for (const char c : normalized) {
    if (c == ' ') {
      hashes.push_back(hash);
      hash = kFnvBasis;
    } else {
      hash = (hash ^ static_cast<uint8_t>(c)) * kFnvPrime;
    }
  }
  if (!normalized.empty())
    hashes.push_back(hash);
  return hashes;
}

std::vector<uint64_t> ngramHashes(const std::vector<uint64_t>& words, size_t length) {
  std::vector<uint64_t> grams;
  for (size_t begin = 0; length > 0 && begin + length <= words.size(); ++begin) {
    uint64_t hash = kFnvBasis;
    for (size_t i = begin; i < begin + length; ++i)
      for (int byte = 0; byte < 8; ++byte)
        hash = (hash ^ (words[i] >> (8 * byte) & 0xFF)) * kFnvPrime;
    grams.push_back(hash);
  }
  return grams;
}

} // namespace nibblesmith::calibration
