// SPDX-License-Identifier: Apache-2.0
#include "evaluation/pairs.hpp"

#include "base/file.hpp"
#include "base/json.hpp"
#include "evaluation/bleu.hpp"
#include "runtime/generate.hpp"

#include <algorithm>

namespace nibblesmith::evaluation {
namespace {

using tokenizer::TokenId;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t begin = text.find_first_not_of(kSpace);
  return begin == std::string_view::npos ? std::string_view()
                                         : text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::string answer(const runtime::Decoder& decoder, const tokenizer::Tokenizer& tokenizer,
                   const std::string& prompt, int64_t maxTokens, const std::stop_token& stop) {
  std::vector<TokenId> ids = tokenizer.encode(prompt, true);
  // A vocabulary that ends texts with EOS would ask the model for what comes after the end.
  if (tokenizer.vocabulary().addEos && !ids.empty() && ids.back() == tokenizer.eos())
    ids.pop_back();
  const auto goOn = [&](TokenId id) { return tokenizer.tokenBytes(id).find('\n') == std::string::npos; };
  const std::vector<TokenId> generated = runtime::generate(decoder, ids, maxTokens, {}, goOn, stop);
  const std::string text = tokenizer.decode(generated);
  return std::string(trimmed(std::string_view(text).substr(0, text.find('\n'))));
}

void accumulate(Score& sum, const Score& score) {
  sum.precision += score.precision;
  sum.recall += score.recall;
  sum.f1 += score.f1;
}

Score divided(const Score& sum, double count) {
  return {sum.precision / count, sum.recall / count, sum.f1 / count};
}

RougeScores meanOf(std::span<const PairResult> pairs) {
  if (pairs.empty())
    return {};
  RougeScores sum;
  for (const PairResult& pair : pairs) {
    accumulate(sum.rouge1, pair.rouge.rouge1);
    accumulate(sum.rouge2, pair.rouge.rouge2);
    accumulate(sum.rougeL, pair.rouge.rougeL);
    accumulate(sum.rougeLsum, pair.rouge.rougeLsum);
  }
  const auto count = static_cast<double>(pairs.size());
  return {divided(sum.rouge1, count), divided(sum.rouge2, count), divided(sum.rougeL, count),
          divided(sum.rougeLsum, count)};
}

} // namespace

std::vector<Pair> readPairs(const std::filesystem::path& path) {
  const std::string content = base::readTextFile(path);
  std::vector<Pair> pairs;
  std::string_view rest = content;
  for (int64_t number = 1; !rest.empty(); ++number) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = trimmed(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.empty())
      continue;
    const std::string origin = path.string() + ": line " + std::to_string(number);
    const base::Json json = base::parseJson(line, origin);
    pairs.push_back({base::required<std::string>(json, "prompt", origin),
                     base::required<std::string>(json, "reference", origin)});
  }
  if (pairs.empty())
    throw base::Error(base::ErrorCode::Corrupt,
                      path.string() + ": expected lines of {\"prompt\", \"reference\"}, found none");
  return pairs;
}

PairsResult evaluatePairs(const runtime::Decoder& decoder, const tokenizer::Tokenizer& tokenizer,
                          std::span<const Pair> pairs, int64_t maxTokens, const std::stop_token& stop,
                          base::Progress& progress) {
  PairsResult result;
  std::vector<std::string> predictions, references;
  for (size_t i = 0; i < pairs.size(); ++i) {
    base::throwIfStopped(stop);
    progress.report(static_cast<double>(i) / static_cast<double>(pairs.size()),
                    "pair " + std::to_string(i + 1) + " of " + std::to_string(pairs.size()));
    PairResult pair;
    try {
      pair.prediction = answer(decoder, tokenizer, pairs[i].prompt, maxTokens, stop);
    } catch (const base::Error& error) {
      throw base::Error(error.code(), "pair " + std::to_string(i + 1) + ": " + error.what());
    }
    pair.rouge = rouge(pairs[i].reference, pair.prediction, true);
    pair.bleu = sentenceBleu(pair.prediction, pairs[i].reference);
    predictions.push_back(pair.prediction);
    references.push_back(pairs[i].reference);
    result.pairs.push_back(std::move(pair));
  }
  result.meanRouge = meanOf(result.pairs);
  result.corpusBleu = corpusBleu(predictions, references);
  progress.report(1, "done");
  return result;
}

} // namespace nibblesmith::evaluation
