// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"
#include "base/progress.hpp"
#include "calibration/model_context.hpp"

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

namespace nibblesmith::base {
class ThreadPool;
}

namespace nibblesmith::calibration {

struct CalibrationOptions {
  int64_t samples = 128;
  int64_t length = 512; ///< tokens of one sample
  /// "random" (seeded, without replacement), "first", or "diverse": k-means over the mean token embeddings of
  /// prompts or windows, those nearest to the centres first.
  std::string sampling = "random";
  uint64_t seed = 1;
  std::string packing =
      "sequence"; ///< "sequence": prompts one after the other until it is full; "none": one prompt each
  std::string chatTemplate =
      "chats"; ///< what the model's template is applied to: "chats", "all" prompts, "none"

  bool operator==(const CalibrationOptions&) const = default;
};

/// Something about calibration data that its owner should know before hours are spent.
struct Finding {
  std::string check;   ///< "duplicates", "short prompts", ...: the same for the same kind of trouble
  std::string message; ///< a sentence
  int64_t count = 0;   ///< entries or samples concerned
  std::vector<std::string> examples; ///< the first few of them: "entry 3", "sample 7"
};
base::Json toJson(const std::vector<Finding>& findings);

/// The sequences a model is calibrated on.
struct CalibrationSet {
  std::vector<std::vector<tokenizer::TokenId>> sequences;
  std::string source;            ///< the file's name
  std::string hash;              ///< SHA-256 of the sequences: names the set in the log
  std::vector<Finding> findings; ///< fewer samples than asked for, short ones
};

/// Throws base::Error{InvalidArgument} naming the field that cannot be.
void checkOptions(const CalibrationOptions& options);

/// A prompt or chat as ids, with BOS where the tokenizer or the template puts one. Throws
/// base::Error{NotSupported, InvalidArgument} where a template is asked for and there is none, or none for
/// such a chat.
std::vector<tokenizer::TokenId> encodePrompt(const Prompt& prompt, const ModelContext& model,
                                             const CalibrationOptions& options);

/// Reads prompts or chats (JSON, JSONL; see readPrompts), plain text (cut into windows of `length`), or
/// ".i32" ids (consecutive windows). Prompts longer than `length` are cut; shorter ones are packed together,
/// each with its BOS, into sequences of `length`, or stay alone. The same file, model and options give the
/// same set at any number of threads. Throws base::Error{NotFound, Corrupt, NotSupported}, {InvalidArgument}
/// on options, on a file without a usable prompt and on one that holds less than a quarter of the samples
/// asked for; base::Cancelled.
CalibrationSet loadCalibration(const std::filesystem::path& path, const ModelContext& model,
                               const CalibrationOptions& options, base::ThreadPool& pool,
                               const std::stop_token& stop, base::Progress& progress);

} // namespace nibblesmith::calibration
