// SPDX-License-Identifier: Apache-2.0
#include "arguments.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace nibblesmith::runner {

namespace {

const OptionSpec& find(std::span<const OptionSpec> options, const std::string& name) {
  const auto found =
      std::find_if(options.begin(), options.end(), [&](const OptionSpec& o) { return name == o.name; });
  if (found == options.end())
    throw UsageError("unknown option --" + name);
  return *found;
}

template <typename T>
bool parse(const std::string& text, T& value) {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failure == std::errc() && end == text.data() + text.size();
}

} // namespace

Arguments::Arguments(std::span<const std::string> words, std::span<const OptionSpec> options) {
  bool onlyPositional = false;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (onlyPositional || !word.starts_with("--")) {
      m_positional.push_back(word);
      continue;
    }
    if (word == "--") {
      onlyPositional = true;
      continue;
    }
    const size_t equals = word.find('=');
    const std::string name = word.substr(2, equals == std::string::npos ? equals : equals - 2);
    const OptionSpec& spec = find(options, name);
    std::string value;
    if (*spec.valueName == '\0') {
      if (equals != std::string::npos)
        throw UsageError("--" + name + ": expected no value, found '" + word.substr(equals + 1) + "'");
    } else if (equals != std::string::npos) {
      value = word.substr(equals + 1);
    } else if (++i < words.size()) {
      value = words[i];
    } else {
      throw UsageError("--" + name + ": expected " + spec.valueName + ", found nothing");
    }
    m_values[name].push_back(value);
  }
}

std::string Arguments::text(const std::string& option, const std::string& fallback) const {
  const auto found = m_values.find(option);
  return found == m_values.end() ? fallback : found->second.back();
}

std::vector<std::string> Arguments::texts(const std::string& option) const {
  const auto found = m_values.find(option);
  return found == m_values.end() ? std::vector<std::string>() : found->second;
}

int64_t Arguments::integer(const std::string& option, int64_t fallback, int64_t minimum,
                           int64_t maximum) const {
  if (!has(option))
    return fallback;
  int64_t value = 0;
  if (!parse(text(option), value) || value < minimum || value > maximum)
    throw UsageError("--" + option + ": expected an integer from " + std::to_string(minimum) + " to " +
                     std::to_string(maximum) + ", found '" + text(option) + "'");
  return value;
}

double Arguments::number(const std::string& option, double fallback) const {
  if (!has(option))
    return fallback;
  double value = 0;
  if (!parse(text(option), value) || !std::isfinite(value) || value < 0)
    throw UsageError("--" + option + ": expected a number of at least 0, found '" + text(option) + "'");
  return value;
}

const std::string& Arguments::only(const std::string& name) const {
  if (m_positional.size() != 1)
    throw UsageError("expected one " + name + ", found " +
                     (m_positional.empty() ? "none" : std::to_string(m_positional.size()) + " arguments"));
  return m_positional.front();
}

} // namespace nibblesmith::runner
