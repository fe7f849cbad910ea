// SPDX-License-Identifier: Apache-2.0
#include "console.hpp"
#include "invocation.hpp"
#include "output.hpp"

#include "base/foreign_text.hpp"
#include "base/memory.hpp"
#include "common/signal_stop.hpp"
#include "experiments/experiment_log.hpp"
#include "host/plugin_catalog.hpp"

#include <array>
#include <new>

#include <QCoreApplication>
#include <QDir>
#include <QFileInfo>

namespace nibblesmith::nsmith {

namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr int kCancelled = 130;

const std::array kVerbs = {&kInspect, &kTokenize,    &kGenerate, &kCalibration, &kQuantize, &kEval,
                           &kBench,   &kExport,      &kCompare,  &kRuns,        &kDevices,  &kDeploy,
                           &kMethods, &kSensitivity, &kFit,      &kDelete};

std::string overview() {
  std::string text =
      "nsmith " NIB_VERSION ": quantize small language models and measure what became of them.\n\n"
      "Usage: nsmith VERB [arguments] [--json] [--log FILE] [--threads N] [--quiet]\n\nVerbs:\n";
  for (const Verb* verb : kVerbs) {
    std::string name = verb->name;
    name.resize(11, ' ');
    text += "  " + name + " " + verb->summary + "\n";
  }
  return text + "\n'nsmith VERB --help' shows a verb's options. MODEL and ARTIFACT are a Hugging Face "
                "directory, a GGUF\n"
                "file or an artifact directory. Exit codes: 0 done, 1 failed, 2 usage, 130 cancelled.\n";
}

const Verb& verbNamed(const QString& name) {
  for (const Verb* verb : kVerbs)
    if (name == QLatin1String(verb->name))
      return *verb;
  throw UsageError("unknown verb '" + name.toStdString() + "'");
}

void addCommonOptions(QCommandLineParser& parser) {
  parser.addHelpOption();
  addOption(parser, "json", "", "Print the result as JSON on standard output.");
  addOption(parser, "log", "FILE", "Experiment log to use instead of the user's own.");
  addOption(parser, "threads", "N", "Threads to use (all processors).");
  addOption(parser, "quiet", "", "No progress on standard error.");
}

std::filesystem::path resourceDirectory() {
  const QString installed = QCoreApplication::applicationDirPath() + QStringLiteral("/../share/nibblesmith");
  return QFileInfo::exists(installed) ? std::filesystem::path(QDir::cleanPath(installed).toStdString())
                                      : std::filesystem::path(NIB_RESOURCES);
}

int runVerb(const Verb& verb, const QStringList& arguments, const std::stop_token& stop) {
  const plugins::PluginCatalog methods = plugins::PluginCatalog::installed();
  workflow::Services services;
  services.methods = &methods;
  services.resources = resourceDirectory();
  services.runner = (QCoreApplication::applicationDirPath() + QStringLiteral("/nsmith-runner")).toStdString();

  QCommandLineParser parser;
  parser.setApplicationDescription(QString::fromUtf8(verb.summary));
  addCommonOptions(parser);
  verb.addOptions(parser, services);
  if (!parser.parse(arguments))
    throw UsageError(parser.errorText().toStdString());
  if (parser.isSet(QStringLiteral("help"))) {
    QString help = parser.helpText();
    help.replace(0, help.indexOf(QLatin1Char('\n')),
                 QStringLiteral("Usage: nsmith %1 %2 [options]")
                     .arg(QLatin1String(verb.name), QLatin1String(verb.arguments)));
    printText(help.toStdString());
    return 0;
  }
  ConsoleProgress progress(parser.isSet(QStringLiteral("quiet")));
  const Invocation options(parser, services, stop, progress);
  services.log = options.text("log", experiments::defaultLogPath().string());
  services.threads = static_cast<int>(options.integer("threads", 0));
  const Invocation call(parser, services, stop, progress);
  const base::Json result = verb.run(call);
  progress.clear();
  if (call.json())
    printJson(result);
  return 0;
}

int runProgram(QStringList arguments, const std::stop_token& stop) {
  if (arguments.size() < 2 || arguments[1] == QLatin1String("--help") ||
      arguments[1] == QLatin1String("-h") || arguments[1] == QLatin1String("help")) {
    printText(overview());
    return arguments.size() < 2 ? kUsage : 0;
  }
  if (arguments[1] == QLatin1String("--version")) {
    print("nsmith {}\n", {NIB_VERSION});
    return 0;
  }
  const Verb& verb = verbNamed(arguments[1]);
  arguments.removeAt(1);
  return runVerb(verb, arguments, stop);
}

} // namespace

} // namespace nibblesmith::nsmith

int main(int argc, char** argv) {
  using namespace nibblesmith;
  base::keepFreedMemory();
  ignoreFileSizeSignal();
  const SignalStop interrupts;
  const QCoreApplication application(argc, argv);
  try {
    return nsmith::runProgram(QCoreApplication::arguments(), interrupts.token());
  } catch (const nsmith::UsageError& failure) {
    nsmith::printMessage(failure.what());
    nsmith::printError("See 'nsmith --help'.\n");
    return nsmith::kUsage;
  } catch (const base::Cancelled&) {
    nsmith::printMessage("cancelled");
    return nsmith::kCancelled;
  } catch (const std::bad_alloc&) {
    nsmith::printMessage("out of memory");
  } catch (const std::exception& failure) {
    nsmith::printMessage(failure.what());
  }
  return nsmith::kFailed;
}
