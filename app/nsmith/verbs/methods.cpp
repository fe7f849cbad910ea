// SPDX-License-Identifier: Apache-2.0
#include "invocation.hpp"
#include "quantization/activation_plan.hpp"
#include "quantization/kv_cache.hpp"

#include <cstdio>

namespace nibblesmith::nsmith {

namespace {

using quantization::MethodDescription;
using quantization::Parameter;

void addOptions(QCommandLineParser&, const workflow::Services&) {}

std::string rangeOf(const Parameter& parameter) {
  std::string text;
  for (const base::Json& choice : parameter.choices)
    text += (text.empty() ? "" : " | ") + choice.dump();
  if (text.empty() && parameter.minimum && parameter.maximum)
    text = base::Json(*parameter.minimum).dump() + " .. " + base::Json(*parameter.maximum).dump();
  return text;
}

void print(const MethodDescription& method) {
  std::printf("%s: %s\n  %s\n", method.name.c_str(), method.help.c_str(), method.source.c_str());
  for (const Parameter& parameter : method.parameters)
    std::printf("  %-16s %s (default %s%s%s)\n", parameter.key.c_str(), parameter.help.c_str(),
                parameter.defaultValue.dump().c_str(), rangeOf(parameter).empty() ? "" : "; ",
                rangeOf(parameter).c_str());
  std::printf("\n");
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
      print(method);
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
