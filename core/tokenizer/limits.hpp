// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/budget.hpp"

#include <cstddef>
#include <cstdint>

namespace nibblesmith::tokenizer {

/// What a tokenizer's file may ask for. Each limit is some times what published models have, and small enough
/// that a file made to do harm is refused within about a second and half a gigabyte.
namespace limits {

// Vocabularies. XLM-V has 901,629 tokens with 7 MB of text; the longest tokens (runs of blanks, "=" or "-")
// have 256 bytes in byte-level symbols. A token is cut in two at each place, so its length counts twice.
inline constexpr uint64_t kTokens = uint64_t{1} << 20;
inline constexpr uint64_t kTokenBytes = 1024;
inline constexpr uint64_t kVocabularyBytes = uint64_t{16} << 20;
/// Ids below the highest one that have no token: each becomes one of "[PAD<id>]".
inline constexpr uint64_t kUnsetIds = uint64_t{1} << 16;
inline constexpr uint64_t kMerges = uint64_t{1} << 21;
/// The files themselves. Gemma 3 has a tokenizer.json of 33 MB and a tokenizer.model of 5 MB.
inline constexpr uint64_t kModelFileBytes = uint64_t{64} << 20;
inline constexpr uint64_t kMergesFileBytes = uint64_t{64} << 20;

// Tokens that are looked for before all else. Gemma 3 has 6,415 of them, 0.1 MB in all.
inline constexpr uint64_t kAddedBytes = uint64_t{4} << 20;
/// Tokens in front of a text, and behind it: two at most so far.
inline constexpr uint64_t kSurroundingTokens = 32;

// Normalizers and pre-tokenizers. The longest chains have about ten steps; texts that they put in are a few
// characters.
inline constexpr uint64_t kSteps = 64;
inline constexpr uint64_t kStepBytes = 1024;
/// Patterns of all steps together: to compile them cannot be interrupted.
inline constexpr uint64_t kPatternBytes = uint64_t{16} << 10;

// Tables of replacements. NFKC as sentencepiece compiles it takes 0.3 MB, and makes at most 33 bytes of a
// character; its longest entry has 19.
inline constexpr uint64_t kCharsMapBytes = uint64_t{4} << 20;
inline constexpr uint64_t kReplacementBytes = 256;
inline constexpr int kEntryBytes = 128;

// Chat templates. The longest have 20 KB, their default system message some hundred bytes.
inline constexpr uint64_t kChatTemplateBytes = uint64_t{128} << 10;
inline constexpr uint64_t kSystemMessageBytes = uint64_t{8} << 10;

} // namespace limits

/// For opening a vocabulary. One of 256,000 tokens takes 20 to 100 million steps; the memory is for added
/// tokens in their normalized forms.
inline constexpr base::BudgetLimits kOpeningLimits = {uint64_t{64} << 20, 600'000'000, 20};

/// For encoding a text of so many bytes. The memory is for the text in its normalized forms (NFKC makes 13
/// bytes of one, at most), words as views, and 30 bytes for each byte of a word that is joined from
/// characters. A byte of running text takes 10 to 50 steps.
inline base::BudgetLimits encodingLimits(size_t textBytes) {
  const auto bytes = static_cast<uint64_t>(textBytes);
  return {(uint64_t{64} << 20) + 96 * bytes, 100'000'000 + 512 * bytes,
          2 + 2e-5 * static_cast<double>(bytes)};
}

} // namespace nibblesmith::tokenizer
