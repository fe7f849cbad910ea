// SPDX-License-Identifier: Apache-2.0
#include "base/foreign_text.hpp"
#include "base/thread_pool.hpp"
#include "evaluation/pairs.hpp"
#include "evaluation/perplexity.hpp"
#include "verb.hpp"

#include "base/json.hpp"

#include <cstdio>

namespace nibblesmith::runner {

namespace {

using evaluation::PerplexityStyle;

struct Request {
  std::string model;
  std::string text;
  std::vector<std::string> pairs;
  PerplexityStyle style = PerplexityStyle::LlamaCpp;
  int64_t context = 512;
  int64_t maxTokens = 96;
  int64_t limit = 0;
};

Request requestFrom(const Arguments& arguments) {
  Request request;
  request.model = arguments.only("MODEL");
  request.text = arguments.text("text");
  request.pairs = arguments.texts("pairs");
  if (request.text.empty() && request.pairs.empty())
    throw UsageError("expected --text FILE or --pairs FILE, found neither");
  const std::string style = arguments.text("style", arguments.has("window") ? "windows" : "llama.cpp");
  if (style != "llama.cpp" && style != "windows")
    throw UsageError("--style: expected llama.cpp or windows, found '" + style + "'");
  request.style = style == "windows" ? PerplexityStyle::Windows : PerplexityStyle::LlamaCpp;
  request.context = arguments.integer("window", arguments.integer("context", 512, 2), 2);
  request.maxTokens = arguments.integer("max-tokens", 96, 1);
  request.limit = arguments.integer("limit", 0, 0);
  return request;
}

base::Json toJson(const evaluation::PerplexityResult& result) {
  return {{"value", result.perplexity},
          {"standardError", result.standardError},
          {"predictions", result.predictions},
          {"windows", result.windowNll.size()}};
}

base::Json toJson(const evaluation::PairsResult& result, const std::string& file) {
  base::Json predictions = base::Json::array();
  for (const evaluation::PairResult& pair : result.pairs)
    predictions.push_back(pair.prediction);
  return {{"file", std::filesystem::path(file).filename().string()},
          {"rouge1", result.meanRouge.rouge1.f1},
          {"rouge2", result.meanRouge.rouge2.f1},
          {"rougeL", result.meanRouge.rougeL.f1},
          {"rougeLsum", result.meanRouge.rougeLsum.f1},
          {"bleu", result.corpusBleu},
          {"predictions", predictions}};
}

void print(const base::Json& json) {
  if (json.contains("perplexity")) {
    const base::Json& part = json["perplexity"];
    std::printf("perplexity  %.4f +/- %.4f  (%lld predictions)\n", part["value"].get<double>(),
                part["standardError"].get<double>(),
                static_cast<long long>(part["predictions"].get<int64_t>()));
  }
  if (!json.contains("pairs"))
    return;
  std::printf("%-28s %8s %8s %8s %10s %8s\n", "pairs", "ROUGE-1", "ROUGE-2", "ROUGE-L", "ROUGE-Lsum", "BLEU");
  for (const base::Json& set : json["pairs"])
    std::printf("%-28s %8.4f %8.4f %8.4f %10.4f %8.2f\n",
                base::foreignText(set["file"].get<std::string>()).c_str(), set["rouge1"].get<double>(),
                set["rouge2"].get<double>(), set["rougeL"].get<double>(), set["rougeLsum"].get<double>(),
                set["bleu"].get<double>());
}

void run(const Arguments& arguments, const std::stop_token& stop, base::Progress& progress) {
  const Request request = requestFrom(arguments);
  progress.report(0, "loading the model");
  const auto model = model::openModel(request.model, stop);
  const auto tokenizer = tokenizer::loadTokenizer(model->checkpoint(), stop);
  base::ThreadPool pool(threadsOf(arguments));
  base::SubProgress loading(progress, 0, 0.05, "loading the model");
  // Uses the weights as stored, to evaluate exactly what the device runs.
  const runtime::Decoder decoder(model, runtime::WeightStorage::AsStored, pool, loading, stop);

  const double parts = static_cast<double>(request.pairs.size() + (request.text.empty() ? 0 : 1));
  double done = 0;
  const auto next = [&](const std::string& name) {
    const double begin = 0.05 + 0.95 * done / parts;
    done += 1;
    return base::SubProgress(progress, begin, 0.05 + 0.95 * done / parts, name);
  };
  base::Json json = base::Json::object();
  if (!request.text.empty()) {
    base::SubProgress part = next("perplexity");
    json["perplexity"] = toJson(evaluation::perplexityOfFile(decoder, *tokenizer, request.text, request.style,
                                                             request.context, stop, part));
  }
  for (const std::string& file : request.pairs) {
    base::SubProgress part = next(std::filesystem::path(file).stem().string());
    std::vector<evaluation::Pair> pairs = evaluation::readPairs(file, stop);
    if (request.limit > 0 && static_cast<int64_t>(pairs.size()) > request.limit)
      pairs.resize(static_cast<size_t>(request.limit));
    json["pairs"].push_back(
        toJson(evaluation::evaluatePairs(decoder, *tokenizer, pairs, request.maxTokens, stop, part), file));
  }
  if (arguments.has("json"))
    std::puts(json.dump(2, ' ', false, base::Json::error_handler_t::replace).c_str());
  else
    print(json);
}

} // namespace

Verb evalVerb() {
  return {"eval",
          "MODEL (--text FILE | --pairs FILE)... [options]",
          "Measure perplexity, ROUGE and BLEU.",
          {{"json", "", "Print the result as JSON."},
           {"text", "FILE", "Text, or raw ids (.i32), for perplexity."},
           {"context", "N", "Tokens of one chunk (512)."},
           {"window", "N", "Windows of N tokens as they are, every prediction counted."},
           {"style", "STYLE", "llama.cpp (second half of each chunk counted) or windows."},
           {"pairs", "FILE", "Prompts and references as JSONL. May be given several times."},
           {"max-tokens", "N", "Length limit of an answer (96)."},
           {"limit", "N", "Use the first N pairs only (0: all)."}},
          run};
}

} // namespace nibblesmith::runner
