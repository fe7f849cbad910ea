// SPDX-License-Identifier: Apache-2.0
#include "workflow/compare.hpp"
#include "artifact_options.hpp"
#include "base/units.hpp"
#include "benchmark/benchmark.hpp"
#include "evaluation/pairs.hpp"
#include "evaluation_options.hpp"
#include "output.hpp"
#include "quantization/recipe.hpp"
#include "table.hpp"
#include "workflow/recipes.hpp"

#include <cmath>

namespace nibblesmith::nsmith {

namespace {

void addOptions(QCommandLineParser& parser, const workflow::Services&) {
  addOption(parser, "recipe", "FILE",
            "A recipe to compare. May be given several times; without any, the built-in ones.");
  addOption(parser, "calibration", "FILE", "Prompts: JSON, JSONL, plain text or raw ids (.i32).");
  addOption(parser, "out", "DIR", "One artifact per recipe goes in here.");
  addReplaceOption(parser, "artifacts that are there already");
  addEvaluationOptions(parser);
  addBenchmarkOptions(parser);
}

double meanOf(const workflow::CompareRow& row, double (*value)(const evaluation::PairsResult&)) {
  double sum = 0;
  double count = 0;
  for (const evaluation::PairsResult& set : row.evaluation.pairs) {
    sum += value(set) * static_cast<double>(set.pairs.size());
    count += static_cast<double>(set.pairs.size());
  }
  return count > 0 ? sum / count : std::nan("");
}

Table tableOf(const std::vector<workflow::CompareRow>& rows) {
  Table table({"", "weights", "perplexity", "ROUGE-1", "ROUGE-2", "ROUGE-L", "BLEU", "ms/token", "p90",
               "prompt t/s", "memory", "made in"});
  for (const workflow::CompareRow& row : rows) {
    const benchmark::Summary token = benchmark::summarize(row.benchmark.tokenMs);
    const auto& perplexity = row.evaluation.perplexity;
    table.add(
        {row.name, base::formatBytes(row.weightBytes),
         perplexity ? fixed(perplexity->perplexity, 3) + " ± " + fixed(perplexity->standardError, 3) : "",
         fixed(meanOf(row, [](const auto& set) { return set.meanRouge.rouge1.f1; }), 4),
         fixed(meanOf(row, [](const auto& set) { return set.meanRouge.rouge2.f1; }), 4),
         fixed(meanOf(row, [](const auto& set) { return set.meanRouge.rougeL.f1; }), 4),
         fixed(meanOf(row, [](const auto& set) { return set.corpusBleu; }), 2), fixed(token.p50, 3),
         fixed(token.p90, 3), fixed(row.benchmark.promptTokensPerSecond(), 0),
         base::formatBytes(row.benchmark.peakRssBytes),
         row.quantizeSeconds > 0 ? base::formatDuration(row.quantizeSeconds) : ""});
  }
  return table;
}

std::vector<quantization::Recipe> recipesOf(const Invocation& call) {
  std::vector<quantization::Recipe> recipes;
  for (const std::string& file : call.texts("recipe"))
    recipes.push_back(quantization::readRecipe(file));
  return recipes.empty() ? workflow::builtInRecipes(call.services().resources) : recipes;
}

base::Json run(const Invocation& call) {
  workflow::CompareRequest request;
  request.model = call.positional(0, "MODEL");
  request.recipes = recipesOf(call);
  request.calibrationFile = call.text("calibration", "");
  request.outDirectory = call.text("out");
  request.replace = call.has("replace");
  request.evaluation = evaluationFromOptions(call);
  request.benchmark = benchmarkFromOptions(call);
  const auto rows = workflow::compare(request, call.services(), {}, call.stop(), call.progress());
  base::Json json = base::Json::array();
  for (const workflow::CompareRow& row : rows)
    json.push_back({{"name", row.name},
                    {"artifact", row.artifact.string()},
                    {"sha256", row.sha256},
                    {"weightBytes", row.weightBytes},
                    {"quantizeSeconds", row.quantizeSeconds},
                    {"evaluation", toJson(row.evaluation, request.evaluation)},
                    {"benchmark", benchmark::toJson(row.benchmark)}});
  if (!call.json())
    print(tableOf(rows));
  return json;
}

} // namespace

const Verb kCompare = {"compare", "MODEL",
                       "Quantize by several recipes, then evaluate and measure all alike.", addOptions, run};

} // namespace nibblesmith::nsmith
