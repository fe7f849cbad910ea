// SPDX-License-Identifier: Apache-2.0
#include "artifact_options.hpp"
#include "evaluation/pairs.hpp"
#include "evaluation/perplexity.hpp"
#include "evaluation_options.hpp"
#include "output.hpp"
#include "table.hpp"
#include "workflow/evaluate.hpp"

namespace nibblesmith::nsmith {

void addEvaluationOptions(QCommandLineParser& parser) {
  addOption(parser, "text", "FILE", "Text, or raw ids (.i32), for perplexity.");
  addOption(parser, "context", "N", "Tokens of one chunk (512).");
  addOption(parser, "window", "N",
            "Windows of N tokens as they are, every prediction counted (as GPTQ's evaluation).");
  addOption(parser, "style", "STYLE", "llama.cpp (second half of each chunk counted) or windows.");
  addOption(parser, "pairs", "FILE",
            "Prompts and references as JSONL, for ROUGE and BLEU. May be given several times.");
  addOption(parser, "max-tokens", "N", "Length limit of an answer (96).");
  addOption(parser, "limit", "N", "Use the first N pairs only.");
}

workflow::EvaluateRequest evaluationFromOptions(const Invocation& call) {
  workflow::EvaluateRequest request;
  request.text = call.text("text", "");
  for (const std::string& file : call.texts("pairs"))
    request.pairs.emplace_back(file);
  const std::string style = call.text("style", call.has("window") ? "windows" : "llama.cpp");
  if (style != "llama.cpp" && style != "windows")
    throw UsageError("--style: expected llama.cpp or windows, found '" + style + "'");
  request.style =
      style == "windows" ? evaluation::PerplexityStyle::Windows : evaluation::PerplexityStyle::LlamaCpp;
  request.context = call.integer("window", call.integer("context", 512, 2), 2);
  request.maxTokens = call.integer("max-tokens", 96, 1);
  request.limit = call.integer("limit", 0);
  if (request.text.empty() && request.pairs.empty())
    throw UsageError("expected --text FILE or --pairs FILE, found neither");
  return request;
}

base::Json toJson(const workflow::EvaluateResult& result, const workflow::EvaluateRequest& request) {
  base::Json json = base::Json::object();
  if (result.perplexity)
    json["perplexity"] = {{"value", result.perplexity->perplexity},
                          {"standardError", result.perplexity->standardError},
                          {"predictions", result.perplexity->predictions},
                          {"windows", result.perplexity->windowNll.size()}};
  base::Json sets = base::Json::array();
  for (size_t i = 0; i < result.pairs.size(); ++i) {
    const evaluation::PairsResult& set = result.pairs[i];
    base::Json predictions = base::Json::array();
    for (const evaluation::PairResult& pair : set.pairs)
      predictions.push_back(pair.prediction);
    sets.push_back({{"file", request.pairs[i].filename().string()},
                    {"rouge1", set.meanRouge.rouge1.f1},
                    {"rouge2", set.meanRouge.rouge2.f1},
                    {"rougeL", set.meanRouge.rougeL.f1},
                    {"rougeLsum", set.meanRouge.rougeLsum.f1},
                    {"bleu", set.corpusBleu},
                    {"predictions", predictions}});
  }
  if (!sets.empty())
    json["pairs"] = sets;
  return json;
}

namespace {

void addOptions(QCommandLineParser& parser, const workflow::Services&) {
  addEvaluationOptions(parser);
  addExpectOption(parser);
}

base::Json run(const Invocation& call) {
  workflow::EvaluateRequest request = evaluationFromOptions(call);
  request.artifact = call.positional(0, "ARTIFACT");
  request.expectedHash = expectedHash(call);
  const workflow::EvaluateResult result =
      workflow::evaluate(request, call.services(), call.stop(), call.progress());
  if (!call.json()) {
    if (result.perplexity)
      print("perplexity  {} +/- {}  ({} predictions)\n",
            {fixed(result.perplexity->perplexity, 4), fixed(result.perplexity->standardError, 4),
             result.perplexity->predictions});
    if (!result.pairs.empty()) {
      Table table({"pairs", "ROUGE-1", "ROUGE-2", "ROUGE-L", "ROUGE-Lsum", "BLEU"});
      for (size_t i = 0; i < result.pairs.size(); ++i) {
        const evaluation::PairsResult& set = result.pairs[i];
        table.add({request.pairs[i].filename().string(), fixed(set.meanRouge.rouge1.f1, 4),
                   fixed(set.meanRouge.rouge2.f1, 4), fixed(set.meanRouge.rougeL.f1, 4),
                   fixed(set.meanRouge.rougeLsum.f1, 4), fixed(set.corpusBleu, 2)});
      }
      print(table);
    }
  }
  return toJson(result, request);
}

} // namespace

const Verb kEval = {"eval", "ARTIFACT", "Measure perplexity, ROUGE and BLEU.", addOptions, run};

} // namespace nibblesmith::nsmith
