// SPDX-License-Identifier: Apache-2.0
#include "workflow/evaluate.hpp"

#include "base/error_context.hpp"
#include "base/thread_pool.hpp"
#include "workflow/identified_artifact.hpp"

#include <unistd.h>

namespace nibblesmith::workflow {

namespace {

using runtime::WeightStorage;

/// Chooses unpacked weights, which are faster over thousands of tokens, unless they would fill the memory.
WeightStorage storageFor(const model::Model& model) {
  const uint64_t memory =
      static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(::sysconf(_SC_PAGE_SIZE));
  return model::summarize(model).parameters * sizeof(float) < memory / 4 ? WeightStorage::Float32
                                                                         : WeightStorage::AsStored;
}

void logPairs(LoggedRun& run, const evaluation::PairsResult& result, const std::string& dataset) {
  const auto both = [&](const std::string& name, double value, const std::string& unit) {
    run.metric(name + "@" + dataset, value, unit);
  };
  both("rouge1", result.meanRouge.rouge1.f1, "");
  both("rouge2", result.meanRouge.rouge2.f1, "");
  both("rougeL", result.meanRouge.rougeL.f1, "");
  both("rougeLsum", result.meanRouge.rougeLsum.f1, "");
  both("bleu", result.corpusBleu, "");
  std::vector<double> rouge1, rougeL, bleu;
  for (const evaluation::PairResult& pair : result.pairs) {
    rouge1.push_back(pair.rouge.rouge1.f1);
    rougeL.push_back(pair.rouge.rougeL.f1);
    bleu.push_back(pair.bleu);
  }
  run.samples("rouge1@" + dataset, rouge1);
  run.samples("rougeL@" + dataset, rougeL);
  run.samples("bleu@" + dataset, bleu);
}

/// Logs the mean over all data sets, weighted by pairs; tables and charts show it.
void logMeanOfPairs(LoggedRun& run, const std::vector<evaluation::PairsResult>& results) {
  double count = 0, rouge1 = 0, rouge2 = 0, rougeL = 0, rougeLsum = 0, bleu = 0;
  for (const evaluation::PairsResult& result : results) {
    const auto n = static_cast<double>(result.pairs.size());
    count += n;
    rouge1 += n * result.meanRouge.rouge1.f1;
    rouge2 += n * result.meanRouge.rouge2.f1;
    rougeL += n * result.meanRouge.rougeL.f1;
    rougeLsum += n * result.meanRouge.rougeLsum.f1;
    bleu += n * result.corpusBleu;
  }
  if (count == 0)
    return;
  run.metric("rouge1", rouge1 / count, "");
  run.metric("rouge2", rouge2 / count, "");
  run.metric("rougeL", rougeL / count, "");
  run.metric("rougeLsum", rougeLsum / count, "");
  run.metric("bleu", bleu / count, "");
}

evaluation::PerplexityResult measurePerplexity(const EvaluateRequest& request,
                                               const runtime::Decoder& decoder,
                                               const tokenizer::Tokenizer& tokenizer, LoggedRun& run,
                                               const std::stop_token& stop, base::Progress& progress) {
  auto result = evaluation::perplexityOfFile(decoder, tokenizer, request.text, request.style, request.context,
                                             stop, progress);
  run.metric("perplexity", result.perplexity, "");
  run.metric("perplexityError", result.standardError, "");
  run.samples("nll", std::vector<double>(result.nll.begin(), result.nll.end()));
  return result;
}

EvaluateResult evaluateLogged(const EvaluateRequest& request, const Services& services, LoggedRun& run,
                              const std::stop_token& stop, base::Progress& progress) {
  const auto model = model::openModel(request.artifact, stop);
  const auto tokenizer = tokenizer::loadTokenizer(model->checkpoint(), stop);
  base::ThreadPool pool(services.threads);
  const runtime::Decoder decoder(model, storageFor(*model), pool);
  const double parts = static_cast<double>(request.pairs.size()) * 2 + (request.text.empty() ? 0 : 1);
  double done = 0;
  const auto next = [&](double weight, const std::string& name) {
    const double begin = done / parts;
    done += weight;
    return base::SubProgress(progress, begin, done / parts, name);
  };
  EvaluateResult result;
  if (!request.text.empty()) {
    base::SubProgress part = next(1, "perplexity");
    result.perplexity = measurePerplexity(request, decoder, *tokenizer, run, stop, part);
  }
  for (const std::filesystem::path& file : request.pairs) {
    std::vector<evaluation::Pair> pairs = evaluation::readPairs(file, stop);
    if (request.limit > 0 && static_cast<int64_t>(pairs.size()) > request.limit)
      pairs.resize(static_cast<size_t>(request.limit));
    base::SubProgress part = next(2, file.stem().string());
    result.pairs.push_back(base::inContext(file.string(), [&] {
      return evaluation::evaluatePairs(decoder, *tokenizer, pairs, request.maxTokens, stop, part);
    }));
    logPairs(run, result.pairs.back(), file.stem().string());
  }
  logMeanOfPairs(run, result.pairs);
  return result;
}

base::Json contextOf(const EvaluateRequest& request) {
  base::Json pairs = base::Json::array();
  for (const std::filesystem::path& file : request.pairs)
    pairs.push_back(file.filename().string());
  return {{"artifact", request.artifact.string()},
          {"text", request.text.filename().string()},
          {"style", request.style == evaluation::PerplexityStyle::LlamaCpp ? "llama.cpp" : "windows"},
          {"context", request.context},
          {"pairs", pairs},
          {"maxTokens", request.maxTokens}};
}

} // namespace

EvaluateResult evaluate(const EvaluateRequest& request, const Services& services, const std::stop_token& stop,
                        base::Progress& progress) {
  EvaluateResult result;
  progress.report(0, "reading the model");
  const RunStart start{experiments::RunKind::Evaluate, {}, contextOf(request), request.expectedHash};
  withLoggedRun(services, start, stop, [&](LoggedRun& run) {
    if (request.text.empty() && request.pairs.empty())
      throw base::Error(base::ErrorCode::InvalidArgument,
                        "evaluate: expected a text for perplexity or a file of pairs, found neither");
    base::SubProgress checking(progress, 0, 0.05);
    const IdentifiedArtifact held =
        identifyArtifact(run, request.artifact, request.expectedHash, Verification::ByStamp, stop, checking);
    base::SubProgress evaluating(progress, 0.05, 1);
    result = evaluateLogged(request, services, run, stop, evaluating);
    held.checkUnchanged(stop);
  });
  progress.report(1, "done");
  return result;
}

} // namespace nibblesmith::workflow
