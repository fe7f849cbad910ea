// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "base/foreign_text.hpp"
#include "common/signal_stop.hpp"
#include "console.hpp"
#include "verb.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <new>

namespace nibblesmith::runner {

namespace {

enum ExitCode { kDone = 0, kFailed = 1, kUsage = 2, kCancelled = 130 };

std::vector<Verb> verbs() { return {generateVerb(), benchVerb(), evalVerb(), sha256Verb()}; }

constexpr std::array<OptionSpec, 3> kCommonOptions{{
    {"threads", "N", "Threads to use (all processors)."},
    {"progress", "", "Lines 'progress FRACTION STAGE' on standard error."},
    {"help", "", "This text."},
}};

std::vector<OptionSpec> allOptions(const Verb& verb) {
  std::vector<OptionSpec> options = verb.options;
  options.insert(options.end(), kCommonOptions.begin(), kCommonOptions.end());
  return options;
}

std::string overview() {
  std::string text =
      "nsmith-runner " NIB_VERSION ": runs and measures quantized language models on a device.\n\n"
      "Usage: nsmith-runner VERB [arguments]\n       nsmith-runner --version | --help\n\nVerbs:\n";
  for (const Verb& verb : verbs()) {
    std::string name = verb.name;
    name.resize(10, ' ');
    text += "  " + name + " " + verb.summary + "\n";
  }
  return text + "\n'nsmith-runner VERB --help' shows a verb's options. MODEL is a GGUF file or a Hugging "
                "Face directory.\n"
                "Exit codes: 0 done, 1 failed, 2 usage, 130 cancelled.\n";
}

std::string help(const Verb& verb) {
  std::string text =
      "Usage: nsmith-runner " + std::string(verb.name) + " " + verb.arguments + "\n" + verb.summary + "\n\n";
  for (const OptionSpec& option : allOptions(verb)) {
    std::string name = "--" + std::string(option.name) + " " + option.valueName;
    name.resize(std::max<size_t>(name.size() + 1, 24), ' ');
    text += "  " + name + option.help + "\n";
  }
  return text;
}

/// Reports output that could not be written (a full disk, a closed pipe) as a failure.
void flushOutput() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout))
    throw base::Error(base::ErrorCode::Io, "cannot write the result to standard output");
}

void runVerb(const Verb& verb, std::span<const std::string> words) {
  const Arguments arguments(words, allOptions(verb));
  if (arguments.has("help")) {
    std::fputs(help(verb).c_str(), stdout);
    return;
  }
  const SignalStop stop;
  ProgressLines progress(arguments.has("progress"));
  verb.run(arguments, stop.token(), progress);
}

int run(const std::vector<std::string>& words) {
  if (words.empty()) {
    std::fputs(overview().c_str(), stderr);
    return kUsage;
  }
  if (words[0] == "--help" || words[0] == "help") {
    std::fputs(overview().c_str(), stdout);
  } else if (words[0] == "--version") {
    std::puts("nsmith-runner " NIB_VERSION " (" NIB_MACHINE ")");
  } else {
    const std::vector<Verb> known = verbs();
    const auto verb =
        std::find_if(known.begin(), known.end(), [&](const Verb& v) { return words[0] == v.name; });
    if (verb == known.end())
      throw UsageError("unknown verb '" + words[0] + "'");
    runVerb(*verb, std::span(words).subspan(1));
  }
  flushOutput();
  return kDone;
}

} // namespace

} // namespace nibblesmith::runner

int main(int argc, char** argv) {
  using namespace nibblesmith;
  ignoreFileSizeSignal();
  try {
    return runner::run(std::vector<std::string>(argv + 1, argv + std::max(argc, 1)));
  } catch (const runner::UsageError& error) {
    std::fprintf(stderr, "nsmith-runner: %s ('nsmith-runner --help' tells more)\n",
                 base::messageText(error.what()).c_str());
    return runner::kUsage;
  } catch (const base::Cancelled&) {
    std::fputs("nsmith-runner: cancelled\n", stderr);
    return runner::kCancelled;
  } catch (const std::bad_alloc&) {
    std::fputs("nsmith-runner: not enough memory\n", stderr);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "nsmith-runner: %s\n", base::messageText(error.what()).c_str());
  }
  return runner::kFailed;
}
