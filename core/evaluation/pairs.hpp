// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/progress.hpp"
#include "evaluation/rouge.hpp"
#include "runtime/decoder.hpp"

#include <filesystem>
#include <stop_token>

namespace nibblesmith::evaluation {

/// Prompt with its expected answer.
struct Pair {
  std::string prompt;
  std::string reference;
};

/// Reads JSONL with one {"prompt", "reference"} per line; blank lines are skipped. Throws
/// base::Error{NotFound, Corrupt} with the line.
std::vector<Pair> readPairs(const std::filesystem::path& path, const std::stop_token& stop = {});

/// Answer to one prompt, with its scores.
struct PairResult {
  std::string prediction;
  RougeScores rouge;
  double bleu = 0;
};

/// Scores of all pairs.
struct PairsResult {
  RougeScores meanRouge;
  double corpusBleu = 0;
  std::vector<PairResult> pairs;
};

/// Generates a greedy answer to every prompt (with BOS if the tokenizer adds it), cut at the end token or the
/// first newline, and scores it with stemming. Throws base::Error{InvalidArgument}, base::Cancelled.
PairsResult evaluatePairs(const runtime::Decoder& decoder, const tokenizer::Tokenizer& tokenizer,
                          std::span<const Pair> pairs, int64_t maxTokens, const std::stop_token& stop,
                          base::Progress& progress);

} // namespace nibblesmith::evaluation
