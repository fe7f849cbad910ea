// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/budget.hpp"

#include <cstddef>
#include <cstdint>

namespace nibblesmith::tokenizer {

/// Limits for tokenizer files. Each is a multiple of what published models have, and small enough to reject a
/// malicious file within about a second and half a gigabyte.
namespace limits {

// Vocabularies. XLM-V has 901,629 tokens with 7 MB of text; the longest tokens (runs of spaces, "=" or "-")
// have 256 bytes in byte-level symbols. Each token is split at every position, so its length counts twice.
inline constexpr uint64_t kTokens = uint64_t{1} << 20;
inline constexpr uint64_t kTokenBytes = 1024;
inline constexpr uint64_t kVocabularyBytes = uint64_t{16} << 20;
/// Ids below the highest one that have no token; each becomes a token "[PAD<id>]".
inline constexpr uint64_t kUnsetIds = uint64_t{1} << 16;
inline constexpr uint64_t kMerges = uint64_t{1} << 21;
/// File sizes. Gemma 3 has a tokenizer.json of 33 MB and a tokenizer.model of 5 MB.
inline constexpr uint64_t kModelFileBytes = uint64_t{64} << 20;
inline constexpr uint64_t kMergesFileBytes = uint64_t{64} << 20;

// Added tokens. Gemma 3 has 6,415 of them, 0.1 MB in total.
inline constexpr uint64_t kAddedBytes = uint64_t{4} << 20;
/// Tokens added before or after a text; known models have at most two.
inline constexpr uint64_t kSurroundingTokens = 32;

// Normalizers and pre-tokenizers. The longest chains have about ten steps, which insert a few characters.
inline constexpr uint64_t kSteps = 64;
inline constexpr uint64_t kStepBytes = 1024;
/// Total size of the patterns of all steps: compiling them cannot be interrupted.
inline constexpr uint64_t kPatternBytes = uint64_t{16} << 10;

// Replacement tables. NFKC as compiled by sentencepiece takes 0.3 MB and expands a character to at most 33
// bytes; its longest entry has 19 bytes.
inline constexpr uint64_t kCharsMapBytes = uint64_t{4} << 20;
inline constexpr uint64_t kReplacementBytes = 256;
inline constexpr int kEntryBytes = 128;

// Chat templates. The longest have 20 KB; default system messages have some hundred bytes.
inline constexpr uint64_t kChatTemplateBytes = uint64_t{128} << 10;
inline constexpr uint64_t kSystemMessageBytes = uint64_t{8} << 10;

} // namespace limits

/// Limits for opening a vocabulary. 256,000 tokens take 20 to 100 million steps; the memory is for the
/// normalized forms of added tokens.
inline constexpr base::BudgetLimits kOpeningLimits = {uint64_t{64} << 20, 600'000'000, 20};

/// Returns the limits for encoding a text of this size. The memory is for the normalized forms of the text
/// (NFKC expands a byte to at most 13), words as views, and 30 bytes per byte of a word that is merged from
/// characters. A byte of ordinary text takes 10 to 50 steps.
inline base::BudgetLimits encodingLimits(size_t textBytes) {
  const auto bytes = static_cast<uint64_t>(textBytes);
  return {(uint64_t{64} << 20) + 96 * bytes, 100'000'000 + 512 * bytes,
          2 + 2e-5 * static_cast<double>(bytes)};
}

} // namespace nibblesmith::tokenizer
