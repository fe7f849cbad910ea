// SPDX-License-Identifier: Apache-2.0
#include "workflow/fit.hpp"
#include "base/units.hpp"
#include "benchmark/footprint.hpp"
#include "output.hpp"
#include "recipe_options.hpp"
#include "table.hpp"

namespace nibblesmith::nsmith {

namespace {

void addOptions(QCommandLineParser& parser, const workflow::Services& services) {
  addRecipeOptions(parser, services);
  addOption(parser, "context", "N", "Tokens of prompt and answer together (the model's own, 2048 at most).");
}

void show(const std::vector<workflow::DeviceFit>& fits) {
  const benchmark::Footprint& need = fits.front().footprint;
  print("weights {}, key-value cache of {} tokens {}\n\n",
        {base::formatBytes(need.weightBytes), need.context, base::formatBytes(need.kvCacheBytes)});
  Table table({"device", "needs", "has", "fits", "tokens/s, at most"});
  for (const workflow::DeviceFit& fit : fits)
    table.add({fit.profile.name, base::formatBytes(fit.footprint.totalBytes()),
               base::formatBytes(fit.availableBytes), fit.fits ? "yes" : "no",
               fit.fits && fit.tokensPerSecond > 0 ? fixed(fit.tokensPerSecond, 1) : "-"});
  print(table);
  print("\nSpeeds are what the memory can deliver; where arithmetic takes longer it is less. See --json for "
        "where the figures are from.\n");
}

base::Json toJson(const workflow::DeviceFit& fit) {
  return {{"id", fit.profile.id},
          {"name", fit.profile.name},
          {"memoryBytes", fit.profile.memoryBytes},
          {"availableBytes", fit.availableBytes},
          {"bandwidth", fit.profile.bandwidth},
          {"bandwidthSource", fit.profile.source},
          {"context", fit.footprint.context},
          {"weightBytes", fit.footprint.weightBytes},
          {"kvCacheBytes", fit.footprint.kvCacheBytes},
          {"workingBytes", fit.footprint.workingBytes},
          {"totalBytes", fit.footprint.totalBytes()},
          {"fits", fit.fits},
          {"tokensPerSecond", fit.tokensPerSecond}};
}

base::Json run(const Invocation& call) {
  workflow::FitRequest request;
  request.model = call.positional(0, "MODEL");
  if (call.has("recipe") || call.has("method") || call.has("grid"))
    request.recipe = recipeFromOptions(call);
  if (call.has("context"))
    request.context = call.integer("context", 0, 1);
  const std::vector<workflow::DeviceFit> fits = workflow::fit(request, call.services());
  if (!call.json())
    show(fits);
  base::Json json = base::Json::array();
  for (const workflow::DeviceFit& fit : fits)
    json.push_back(toJson(fit));
  return {{"devices", json}};
}

} // namespace

const Verb kFit = {"fit", "MODEL",
                   "Say on which boards a model, or what a recipe makes of it, fits, and how fast it can be.",
                   addOptions, run};

} // namespace nibblesmith::nsmith
