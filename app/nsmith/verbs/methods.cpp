// SPDX-License-Identifier: Apache-2.0
#include "invocation.hpp"

#include "base/join.hpp"
#include "output.hpp"
#include "quantization/activation_plan.hpp"
#include "quantization/kv_cache.hpp"

#include <algorithm>

namespace nibblesmith::nsmith {

namespace {

using quantization::MethodDescription;
using quantization::Parameter;

void addOptions(QCommandLineParser&, const workflow::Services&) {}

constexpr size_t kKeyWidth = 16;

std::string rangeOf(const Parameter& parameter) {
  std::string text =
      base::join(parameter.choices, " | ", [](const base::Json& choice) { return choice.dump(); });
  if (text.empty() && parameter.minimum && parameter.maximum)
    text = base::Json(*parameter.minimum).dump() + " .. " + base::Json(*parameter.maximum).dump();
  return text;
}

void show(const MethodDescription& method) {
  print("{}: {}\n  {}\n", {method.name, method.help, method.source});
  for (const Parameter& parameter : method.parameters) {
    std::string key = parameter.key;
    key.resize(std::max(key.size(), kKeyWidth), ' ');
    const std::string range = rangeOf(parameter);
    print("  {} {} (default {}{}{})\n",
          {key, parameter.help, parameter.defaultValue.dump(), range.empty() ? "" : "; ", range});
  }
  print("\n");
}

base::Json run(const Invocation& call) {
  std::vector<MethodDescription> methods;
  if (call.services().methods)
    methods = call.services().methods->methods();
  for (MethodDescription& grid : quantization::gridDescriptions())
    methods.push_back(std::move(grid));
  for (const MethodDescription& activations : quantization::activationDescriptions())
    methods.push_back(activations);
  for (const MethodDescription& cache : quantization::kvCacheDescriptions())
    methods.push_back(cache);
  base::Json json = base::Json::array();
  for (const MethodDescription& method : methods) {
    if (!call.json())
      show(method);
    base::Json parameters = base::Json::object();
    for (const Parameter& parameter : method.parameters)
      parameters[parameter.key] = parameter.defaultValue;
    json.push_back({{"name", method.name},
                    {"label", method.label},
                    {"source", method.source},
                    {"defaults", parameters}});
  }
  return json;
}

} // namespace

const Verb kMethods = {"methods", "",
                       "List the methods, grids, activations and key-value caches with their parameters.",
                       addOptions, run};

} // namespace nibblesmith::nsmith
