// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace nibblesmith::calibration {

/// Selection of prompts or windows from a file. Random: seeded, without replacement. First: from the
/// beginning. Diverse: k-means over mean token embeddings, the points nearest to the cluster centres first.
enum class Sampling { Random, First, Diverse };

/// Sequence: prompts are concatenated until a sample is full. None: each prompt is a sample.
enum class Packing { Sequence, None };

/// Entries that the model's chat template is applied to: chats only, all prompts, or none.
enum class ChatTemplateUse { Chats, All, None };

/// Choices that turn a file into calibration sequences.
struct CalibrationOptions {
  int64_t samples = 128; ///< number of sequences
  int64_t length = 512;  ///< tokens per sequence
  Sampling sampling = Sampling::Random;
  uint64_t seed = 1;
  Packing packing = Packing::Sequence;
  ChatTemplateUse chatTemplate = ChatTemplateUse::Chats;

  bool operator==(const CalibrationOptions&) const = default;
};

/// Throws base::Error{InvalidArgument} with the field if a number is out of range.
void checkOptions(const CalibrationOptions& options);

/// Name of a value in recipes and on the command line: "random", "sequence", "chats".
std::string_view toString(Sampling value);
std::string_view toString(Packing value);
std::string_view toString(ChatTemplateUse value);

/// Parses such a name. Throws base::Error{InvalidArgument} with `origin`, the field, the known names and the
/// name found.
Sampling samplingFrom(std::string_view name, const std::string& origin);
Packing packingFrom(std::string_view name, const std::string& origin);
ChatTemplateUse chatTemplateUseFrom(std::string_view name, const std::string& origin);

} // namespace nibblesmith::calibration
