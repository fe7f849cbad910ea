// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace nibblesmith::runner {

/// Invalid command line: exit code 2.
class UsageError : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

struct OptionSpec {
  const char* name;      ///< without leading dashes
  const char* valueName; ///< "" for a switch
  const char* help;
};

/// Options and positional arguments of one verb.
class Arguments {
public:
  /// Parses "--name value", "--name=value" and switches; everything after "--" is positional. Throws
  /// UsageError for an unknown option or a missing value.
  Arguments(std::span<const std::string> words, std::span<const OptionSpec> options);

  bool has(const std::string& option) const { return m_values.contains(option); }
  std::string text(const std::string& option, const std::string& fallback = {}) const;
  std::vector<std::string> texts(const std::string& option) const;
  /// Throws UsageError if the value is not an integer in minimum..maximum.
  int64_t integer(const std::string& option, int64_t fallback, int64_t minimum,
                  int64_t maximum = INT32_MAX) const;
  /// Throws UsageError if the value is not a finite number of at least 0.
  double number(const std::string& option, double fallback) const;
  const std::vector<std::string>& positional() const { return m_positional; }
  /// Returns the only positional argument. Throws UsageError naming what was expected.
  const std::string& only(const std::string& name) const;

private:
  std::map<std::string, std::vector<std::string>> m_values;
  std::vector<std::string> m_positional;
};

} // namespace nibblesmith::runner
