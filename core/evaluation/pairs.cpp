// SPDX-License-Identifier: Apache-2.0
#include "evaluation/pairs.hpp"

#include "base/error_context.hpp"
#include "base/input_file.hpp"
#include "base/json.hpp"
#include "base/thread_pool.hpp"
#include "evaluation/bleu.hpp"
#include "runtime/generate.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>

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
  std::vector<TokenId> ids = tokenizer.encode(prompt, true, false, stop);
  // If the vocabulary appends EOS, the model would be asked to continue after the end.
  if (tokenizer.vocabulary().addEos && !ids.empty() && ids.back() == tokenizer.eos())
    ids.pop_back();
  const auto goOn = [&](TokenId id) { return tokenizer.tokenBytes(id).find('\n') == std::string::npos; };
  const std::vector<TokenId> generated = runtime::generate(decoder, ids, maxTokens, {}, goOn, stop);
  const std::string text = tokenizer.decode(generated);
  return std::string(trimmed(std::string_view(text).substr(0, text.find('\n'))));
}

void rethrowOfPair(const std::exception_ptr& error, size_t index) {
  if (!error)
    return;
  base::inContext("pair " + std::to_string(index + 1), [&] { std::rethrow_exception(error); });
}

/// Generates the answers to all prompts, several at a time on the decoder's pool; one thread decodes each
/// text. Rethrows the error of the first pair that failed, with its number.
std::vector<std::string> answers(const runtime::Decoder& decoder, const tokenizer::Tokenizer& tokenizer,
                                 std::span<const Pair> pairs, int64_t maxTokens, const std::stop_token& stop,
                                 base::Progress& progress) {
  std::vector<std::string> texts(pairs.size());
  std::vector<std::exception_ptr> errors(pairs.size());
  std::atomic<bool> failed = false;
  std::mutex mutex;
  size_t done = 0;
  const auto answerOne = [&](size_t i) {
    try {
      texts[i] = answer(decoder, tokenizer, pairs[i].prompt, maxTokens, stop);
    } catch (...) {
      errors[i] = std::current_exception();
      failed = true;
    }
    const std::lock_guard lock(mutex);
    ++done;
    progress.report(static_cast<double>(done) / static_cast<double>(pairs.size()),
                    "pair " + std::to_string(done) + " of " + std::to_string(pairs.size()));
  };
  decoder.pool().parallelFor(static_cast<int64_t>(pairs.size()), 1, [&](int64_t begin, int64_t end) {
    // Pairs start in order, so the first error does not depend on the pairs skipped after it.
    for (int64_t i = begin; i < end && !failed; ++i)
      answerOne(static_cast<size_t>(i));
  });
  for (size_t i = 0; i < errors.size(); ++i)
    rethrowOfPair(errors[i], i);
  return texts;
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

std::vector<Pair> readPairs(const std::filesystem::path& path, const std::stop_token& stop) {
  const std::string content = base::readTextFile(path, uint64_t{1} << 30, stop);
  std::vector<Pair> pairs;
  std::string_view rest = content;
  for (int64_t number = 1; !rest.empty(); ++number) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = trimmed(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    base::throwIfStopped(stop);
    if (line.empty())
      continue;
    const std::string origin = path.string() + ": line " + std::to_string(number);
    const base::Json json = base::parseJson(line, origin, stop);
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
  const std::vector<std::string> predictions = answers(decoder, tokenizer, pairs, maxTokens, stop, progress);
  PairsResult result;
  std::vector<std::string> references;
  for (size_t i = 0; i < pairs.size(); ++i) {
    const std::string& prediction = predictions[i];
    result.pairs.push_back({prediction, rouge(pairs[i].reference, prediction, true),
                            sentenceBleu(prediction, pairs[i].reference)});
    references.push_back(pairs[i].reference);
  }
  result.meanRouge = meanOf(result.pairs);
  result.corpusBleu = corpusBleu(predictions, references);
  progress.report(1, "done");
  return result;
}

} // namespace nibblesmith::evaluation
