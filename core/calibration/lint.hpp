// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "calibration/calibration_set.hpp"

namespace nibblesmith::calibration {

/// Contents of a calibration file and their problems.
struct CalibrationReport {
  std::string kind;         ///< "prompts", "chats", "text", "ids"
  int64_t entries = 0;      ///< number of prompts or chats in the file; 1 for text and ids
  int64_t tokens = 0;       ///< total of all sequences
  std::string chatTemplate; ///< template of the model: "ChatML"; empty: none, or an unknown one
  CalibrationSet set;
  std::vector<Finding> findings; ///< findings of the set, then those of lint()
};

/// Loads the set like loadCalibration() and checks it for problems. Each kind of problem gives one finding:
/// - "duplicates" and "near duplicates": equal texts, or equal except for case, punctuation and blanks;
/// - "short prompts": fewer than 8 tokens;
/// - "missing BOS": the tokenizer puts BOS before a text, but the samples begin without it;
/// - "template mismatch": markers of another chat template; "markers as text": markers of the model's own
///   template written as text;
/// - "no template": prompts without template for a model that was trained on chats;
/// - "evaluation overlap": word sequences shared with the evaluation text, of 13 words, or of all words of a
///   prompt with 8 to 12; case and punctuation are ignored. Source: Brown et al. 2020 (arXiv 2005.14165),
///   appendix C.
/// evaluation: text, prompts or ids in the same formats; empty: none. Throws like loadCalibration().
CalibrationReport lint(const std::filesystem::path& path, const std::filesystem::path& evaluation,
                       const ModelContext& model, const CalibrationOptions& options, base::ThreadPool& pool,
                       const std::stop_token& stop, base::Progress& progress);

} // namespace nibblesmith::calibration
