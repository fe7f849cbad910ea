// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"
#include "base/progress.hpp"
#include "calibration/calibration_options.hpp"
#include "calibration/model_context.hpp"

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

namespace nibblesmith::base {
class ThreadPool;
}

namespace nibblesmith::calibration {

/// Problem of calibration data that the user should know before hours are spent.
struct Finding {
  std::string check;                 ///< kind of problem: "duplicates", "short prompts", ...
  std::string message;               ///< a sentence
  int64_t count = 0;                 ///< number of entries or samples concerned
  std::vector<std::string> examples; ///< names of the first of them: "entry 3", "sample 7"
};
/// Converts findings to JSON for the log and the command line.
base::Json toJson(const std::vector<Finding>& findings);

/// Token sequences that a model is calibrated on.
struct CalibrationSet {
  std::vector<std::vector<tokenizer::TokenId>> sequences;
  std::string source;            ///< name of the file
  std::string hash;              ///< SHA-256 of the sequences; identifies the set in the log
  std::vector<Finding> findings; ///< fewer samples than requested, short samples
};

/// Encodes a prompt or chat, with BOS if the tokenizer or the template adds it. Throws
/// base::Error{NotSupported, InvalidArgument} if a template is required but the model has none, or the
/// template cannot render the chat.
std::vector<tokenizer::TokenId> encodePrompt(const Prompt& prompt, const ModelContext& model,
                                             const CalibrationOptions& options, const std::stop_token& stop);

/// Reads prompts or chats (JSON, JSONL; see readPrompts), plain text (split into windows of `length` tokens),
/// or ".i32" ids (consecutive windows). Prompts longer than `length` are cut. Shorter ones are packed into
/// sequences of `length`, each with its BOS, or stay separate. The same file, model and options give the same
/// set at any number of threads. Throws base::Error{NotFound, Corrupt, NotSupported}; {InvalidArgument} on
/// wrong options, a file without a usable prompt, or one with less than a quarter of the requested samples;
/// base::Cancelled.
CalibrationSet loadCalibration(const std::filesystem::path& path, const ModelContext& model,
                               const CalibrationOptions& options, base::ThreadPool& pool,
                               const std::stop_token& stop, base::Progress& progress);

} // namespace nibblesmith::calibration
