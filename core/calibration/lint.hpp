// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "calibration/calibration_set.hpp"

namespace nibblesmith::calibration {

/// What a file gives as calibration data, and what is wrong with it.
struct CalibrationReport {
  std::string kind;         ///< "prompts", "chats", "text", "ids"
  int64_t entries = 0;      ///< of the file: prompts and chats; 1 for text and ids
  int64_t tokens = 0;       ///< of all sequences
  std::string chatTemplate; ///< the model's own: "ChatML"; empty: none, or none that is known
  CalibrationSet set;
  std::vector<Finding> findings; ///< the set's own, then those of lint()
};

/// Loads the set as loadCalibration() does and looks for what would spoil it, each kind of trouble once:
/// - "duplicates" and "near duplicates": the same text, or the same but for case, punctuation and blanks;
/// - "short prompts": fewer than 8 tokens;
/// - "missing BOS": the tokenizer puts BOS in front of a text, the samples begin without;
/// - "template mismatch": markers of another chat template, or markers of the model's own written out as
/// text;
/// - "no template": prompts as they are for a model that was trained on chats;
/// - "evaluation overlap": word sequences that the evaluation text has too. Of 13 words, of all of them where
/// a prompt
///   has 8 to 12, ignoring case and punctuation. Source: Brown et al. 2020 (arXiv 2005.14165), appendix C.
/// evaluation: text, prompts or ids as for calibration; empty: none. Throws as loadCalibration().
CalibrationReport lint(const std::filesystem::path& path, const std::filesystem::path& evaluation,
                       const ModelContext& model, const CalibrationOptions& options, base::ThreadPool& pool,
                       const std::stop_token& stop, base::Progress& progress);

} // namespace nibblesmith::calibration
