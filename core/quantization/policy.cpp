// SPDX-License-Identifier: Apache-2.0
#include "quantization/policy.hpp"

#include <algorithm>

namespace nibblesmith::quantization {

namespace {

/// Greedy match with backtracking to the last '*': linear memory, at most |pattern| * |text| steps.
bool globMatches(std::string_view pattern, std::string_view text) {
  size_t p = 0;
  size_t t = 0;
  size_t star = std::string_view::npos;
  size_t starText = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      starText = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++starText;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

} // namespace

bool matchesName(std::string_view pattern, std::string_view name) {
  constexpr std::string_view kPrefix = "model.";
  return globMatches(pattern, name) ||
         (name.starts_with(kPrefix) && globMatches(pattern, name.substr(kPrefix.size())));
}

std::optional<MethodChoice> gridFor(const Recipe& recipe, const std::string& name) {
  const auto& keep = recipe.policy.keep;
  if (std::any_of(keep.begin(), keep.end(),
                  [&](const std::string& pattern) { return matchesName(pattern, name); }))
    return std::nullopt;
  MethodChoice grid = recipe.grid;
  for (const Override& override : recipe.policy.overrides)
    if (matchesName(override.match, name))
      grid = withChanges(std::move(grid), override.grid);
  return grid;
}

MethodChoice activationsFor(const Recipe& recipe, const std::string& name) {
  MethodChoice activations = recipe.activations;
  for (const Override& override : recipe.policy.overrides)
    if (matchesName(override.match, name))
      activations = withChanges(std::move(activations), override.activations);
  return activations;
}

MethodChoice withChanges(MethodChoice choice, base::Json changes) {
  if (const auto use = changes.find("use"); use != changes.end()) {
    if (*use != choice.use)
      choice = {use->get<std::string>(), base::Json::object()};
    changes.erase("use");
  }
  choice.parameters.update(changes);
  return choice;
}

} // namespace nibblesmith::quantization
