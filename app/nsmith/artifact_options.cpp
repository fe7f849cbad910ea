// SPDX-License-Identifier: Apache-2.0
#include "artifact_options.hpp"
#include "experiments/experiment_log.hpp"

#include <set>

namespace nibblesmith::nsmith {

namespace {

constexpr size_t kShownDigits = 12;
constexpr size_t kFewestDigits = 6;

} // namespace

void addExpectOption(QCommandLineParser& parser) {
  addOption(
      parser, "expect", "SHA256",
      "Go on only where the files are this artifact of the log: its sha256 of 'nsmith runs', or the first " +
          std::to_string(kFewestDigits) + " digits and more.");
}

std::string expectedHash(const Invocation& call) {
  if (!call.has("expect"))
    return {};
  const std::string beginning = call.text("expect");
  if (beginning.size() < kFewestDigits ||
      beginning.find_first_not_of("0123456789abcdef") != std::string::npos)
    throw UsageError("--expect: expected at least " + std::to_string(kFewestDigits) +
                     " digits (0-9, a-f) of a sha256, found '" + beginning + "'");
  std::set<std::string> found;
  const experiments::ExperimentLog log(call.services().log, call.stop());
  for (const experiments::ExperimentRow& row : log.experiments())
    if (row.hash.starts_with(beginning))
      found.insert(row.hash);
  if (found.empty())
    throw base::Error(base::ErrorCode::NotFound,
                      "--expect: the experiment log '" + call.services().log.string() +
                          "' has no artifact whose sha256 begins with " + beginning + "; see 'nsmith runs'");
  if (found.size() > 1)
    throw UsageError("--expect: expected the beginning of one sha256, found " + beginning + ", which " +
                     std::to_string(found.size()) + " artifacts of the log have");
  return *found.begin();
}

void addReplaceOption(QCommandLineParser& parser, const std::string& what) {
  addOption(parser, "replace", "", "Replace " + what + "; without it, that is refused before the work.");
}

std::string shortHash(const std::string& hash) { return hash.substr(0, kShownDigits); }

} // namespace nibblesmith::nsmith
