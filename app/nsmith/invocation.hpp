// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/progress.hpp"
#include "workflow/services.hpp"

#include <cstdint>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

#include <QCommandLineParser>

namespace nibblesmith::nsmith {

/// Incorrect use of the command line: exit code 2.
class UsageError : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// One call of a verb: its options and its environment.
class Invocation {
public:
  Invocation(const QCommandLineParser& parser, workflow::Services services, std::stop_token stop,
             base::Progress& progress);

  /// Returns the positional argument at `index` (not counting the verb). Throws UsageError naming it.
  std::string positional(int index, const std::string& name) const;
  int positionals() const;
  bool has(const std::string& option) const;
  /// Throws UsageError if the option is missing.
  std::string text(const std::string& option) const;
  std::string text(const std::string& option, const std::string& fallback) const;
  std::vector<std::string> texts(const std::string& option) const;
  /// Throws UsageError if the value is not one of `choices`.
  std::string oneOf(const std::string& option, const std::vector<std::string>& choices) const;
  /// Throws UsageError if the value is not an integer of at least `minimum`.
  int64_t integer(const std::string& option, int64_t fallback, int64_t minimum = 0) const;

  bool json() const { return has("json"); }
  const workflow::Services& services() const { return m_services; }
  const std::stop_token& stop() const { return m_stop; }
  base::Progress& progress() const { return m_progress; }

private:
  const QCommandLineParser& m_parser;
  workflow::Services m_services;
  std::stop_token m_stop;
  base::Progress& m_progress;
};

/// Verb of the command line: its help, options and function. run() prints text unless --json is given, and
/// returns the JSON that --json prints.
struct Verb {
  const char* name;
  const char* arguments;
  const char* summary;
  void (*addOptions)(QCommandLineParser& parser, const workflow::Services& services);
  base::Json (*run)(const Invocation& call);
};

/// Adds an option to the parser; an empty value name makes a switch.
void addOption(QCommandLineParser& parser, const char* name, const char* valueName, const std::string& help);

extern const Verb kInspect, kTokenize, kGenerate, kQuantize, kEval, kBench, kExport, kCompare, kRuns,
    kDevices, kDeploy, kMethods, kSensitivity, kCalibration, kFit, kDelete;

} // namespace nibblesmith::nsmith
