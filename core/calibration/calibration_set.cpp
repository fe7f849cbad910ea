// SPDX-License-Identifier: Apache-2.0
#include "calibration/calibration_set.hpp"

#include "base/error.hpp"
#include "base/hash.hpp"
#include "calibration/prompts.hpp"
#include "calibration/sampling.hpp"
#include "calibration/token_source.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace nibblesmith::calibration {

namespace {

using Sequences = std::vector<std::vector<tokenizer::TokenId>>;

void checkOptions(const CalibrationOptions& options) {
  const auto refuse = [](const std::string& field, const std::string& expected, const std::string& found) {
    throw base::Error(base::ErrorCode::InvalidArgument,
                      "calibration: '" + field + "': expected " + expected + ", found " + found);
  };
  if (options.samples < 1 || options.samples > 1'000'000)
    refuse("samples", "1 to 1000000", std::to_string(options.samples));
  if (options.length < 2 || options.length > 1'000'000)
    refuse("length", "2 to 1000000 tokens", std::to_string(options.length));
  if (options.sampling != "random" && options.sampling != "first")
    refuse("sampling", "\"random\" or \"first\"", "\"" + options.sampling + "\"");
}

/// Consecutive windows of one stream; the rest after the last full window is used only where there is no other.
Sequences windowsOf(const std::vector<tokenizer::TokenId>& stream, const CalibrationOptions& options) {
  const auto length = static_cast<size_t>(options.length);
  if (stream.size() < length)
    return stream.size() < 2 ? Sequences{} : Sequences{stream};
  const auto total = static_cast<int64_t>(stream.size() / length);
  std::vector<int64_t> chosen;
  if (options.sampling == "random") {
    chosen = sampleWithoutReplacement(total, options.samples, options.seed);
    std::sort(chosen.begin(), chosen.end());
  } else {
    for (int64_t i = 0; i < std::min(total, options.samples); ++i)
      chosen.push_back(i);
  }
  Sequences windows;
  for (const int64_t index : chosen) {
    const auto begin = stream.begin() + index * options.length;
    windows.emplace_back(begin, begin + options.length);
  }
  return windows;
}

/// Prompts one after the other, each with its BOS, until a sequence is full; the prompt that crosses its end
/// is cut there, so that every sequence starts with a prompt's start.
Sequences pack(const std::vector<std::string>& prompts, const tokenizer::Tokenizer& tokenizer,
               const CalibrationOptions& options) {
  const auto length = static_cast<size_t>(options.length);
  const auto total = static_cast<int64_t>(prompts.size());
  const bool random = options.sampling == "random";
  const auto order = random ? sampleWithoutReplacement(total, total, options.seed) : std::vector<int64_t>{};
  Sequences sequences;
  for (int64_t i = 0; i < total; ++i) {
    const auto index = static_cast<size_t>(random ? order[static_cast<size_t>(i)] : i);
    if (prompts[index].find_first_not_of(" \t\r\n") == std::string::npos)
      continue;
    if (sequences.empty() || sequences.back().size() == length) {
      if (static_cast<int64_t>(sequences.size()) == options.samples)
        break;
      sequences.emplace_back();
    }
    const auto ids = tokenizer.encode(prompts[index], true);
    auto& sequence = sequences.back();
    const size_t taken = std::min(ids.size(), length - sequence.size());
    sequence.insert(sequence.end(), ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(taken));
  }
  // One token alone has no context to calibrate on.
  if (!sequences.empty() && sequences.back().size() < 2)
    sequences.pop_back();
  return sequences;
}

std::string hashOf(const Sequences& sequences) {
  base::Sha256 hash;
  const auto feed = [&](uint64_t value) {
    std::array<std::byte, 8> bytes;
    for (size_t b = 0; b < 8; ++b)
      bytes[b] = static_cast<std::byte>(value >> (8 * b));
    hash.update(bytes);
  };
  feed(sequences.size());
  for (const auto& sequence : sequences) {
    feed(sequence.size());
    for (const tokenizer::TokenId id : sequence)
      feed(static_cast<uint64_t>(id));
  }
  return hash.hexDigest();
}

std::vector<std::string> warningsFor(const CalibrationSet& set, const CalibrationOptions& options) {
  std::vector<std::string> warnings;
  const auto found = static_cast<int64_t>(set.sequences.size());
  if (found < options.samples)
    warnings.push_back("'" + set.source + "' gives " + std::to_string(found) + " of the " +
                       std::to_string(options.samples) + " samples asked for");
  int64_t shortOnes = 0;
  int64_t shortest = std::numeric_limits<int64_t>::max();
  for (const auto& sequence : set.sequences)
    if (const auto size = static_cast<int64_t>(sequence.size()); size < options.length) {
      ++shortOnes;
      shortest = std::min(shortest, size);
    }
  if (shortOnes > 0)
    warnings.push_back(std::to_string(shortOnes) + (shortOnes == 1 ? " sample is" : " samples are") +
                       " shorter than " + std::to_string(options.length) + " tokens (shortest: " +
                       std::to_string(shortest) + ")");
  return warnings;
}

} // namespace

CalibrationSet loadCalibration(const std::filesystem::path& path, const tokenizer::Tokenizer& tokenizer,
                               const CalibrationOptions& options) {
  checkOptions(options);
  CalibrationSet set;
  set.source = path.filename().string();
  const auto extension = path.extension();
  if (extension == ".json" || extension == ".jsonl")
    set.sequences = pack(readPrompts(path), tokenizer, options);
  else
    set.sequences = windowsOf(readTokens(path, tokenizer), options);
  if (set.sequences.empty())
    throw base::Error(base::ErrorCode::InvalidArgument,
                      path.string() + ": expected text to calibrate on, found no usable prompt");
  set.hash = hashOf(set.sequences);
  set.warnings = warningsFor(set, options);
  return set;
}

} // namespace nibblesmith::calibration
