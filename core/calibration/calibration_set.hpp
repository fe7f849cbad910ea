// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"
#include "tokenizer/tokenizer.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace nibblesmith::calibration {

struct CalibrationOptions {
  int64_t samples = 128;
  int64_t length = 512;              ///< tokens of one sample
  std::string sampling = "random";   ///< "random" (seeded, without replacement) or "first"
  uint64_t seed = 1;

  bool operator==(const CalibrationOptions&) const = default;
};

/// The sequences a model is calibrated on.
struct CalibrationSet {
  std::vector<std::vector<tokenizer::TokenId>> sequences;
  std::string source;                ///< the file's name
  std::string hash;                  ///< SHA-256 of the sequences: names the set in the log
  std::vector<std::string> warnings; ///< fewer samples than asked for, short ones, ... in words
};

/// Reads [{"prompt": ...}] JSON, JSONL with "prompt" or "text", plain text (cut into windows of `length`), or
/// ".i32" ids (consecutive windows). Prompts longer than `length` are cut; shorter ones are packed together,
/// each with its BOS, into sequences of `length`. The same file, tokenizer and options give the same set.
/// Throws base::Error{NotFound, Corrupt, InvalidArgument}: not what it says, no usable prompt.
CalibrationSet loadCalibration(const std::filesystem::path& path, const tokenizer::Tokenizer& tokenizer,
                               const CalibrationOptions& options);

} // namespace nibblesmith::calibration
