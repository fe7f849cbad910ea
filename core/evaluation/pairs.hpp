// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/progress.hpp"
#include "evaluation/rouge.hpp"
#include "runtime/decoder.hpp"

#include <filesystem>
#include <stop_token>

namespace nibblesmith::evaluation {

struct Pair {
  std::string prompt;
  std::string reference;
};

/// JSONL, one {"prompt", "reference"} a line; blank lines are passed over.
/// Throws base::Error{NotFound, Corrupt} with the line.
std::vector<Pair> readPairs(const std::filesystem::path& path);

struct PairResult {
  std::string prediction;
  RougeScores rouge;
  double bleu = 0;
};

struct PairsResult {
  RougeScores meanRouge;
  double corpusBleu = 0;
  std::vector<PairResult> pairs;
};

/// Greedy answer to every prompt (BOS where the tokenizer adds one), cut at the end token or the first
/// newline, scored with stemming.
PairsResult evaluatePairs(const runtime::Decoder& decoder, const tokenizer::Tokenizer& tokenizer,
                          std::span<const Pair> pairs, int64_t maxTokens, const std::stop_token& stop,
                          base::Progress& progress);

} // namespace nibblesmith::evaluation
