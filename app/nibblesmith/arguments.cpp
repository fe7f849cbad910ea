// SPDX-License-Identifier: GPL-3.0-or-later
#include "arguments.hpp"

#include <QCommandLineParser>

namespace nibblesmith {

namespace {

QString option(const QCommandLineParser& parser, const char* name) {
  return parser.value(QString::fromLatin1(name));
}

} // namespace

Arguments parseArguments(const QStringList& commandLine) {
  QCommandLineParser parser;
  parser.setApplicationDescription(
      QStringLiteral("Nibblesmith, a workbench for quantizing small language models for edge devices."));
  parser.addHelpOption();
  parser.addVersionOption();
  const auto add = [&parser](const char* name, const char* value, const char* help) {
    parser.addOption({QString::fromLatin1(name), QString::fromUtf8(help), QString::fromLatin1(value)});
  };
  add("log", "FILE", "Experiment log to use instead of the user's own.");
  add("model", "PATH", "Model directory or GGUF file to open.");
  add("page", "NAME", "Page to show: models, recipe, queue, experiments, devices.");
  add("size", "WxH", "Size of the window in pixels, e.g. 1280x800.");
  add("theme", "NAME", "Colours for this time: light, dark, system.");
  add("charts", "DIR", "Save the charts of the log into a directory, and end.");
  add("screenshot", "FILE", "Save a picture of the window once everything is read, and end.");
  parser.process(commandLine);
  Arguments arguments{option(parser, "log"),       option(parser, "model"),  option(parser, "page"),
                      option(parser, "theme"),     option(parser, "charts"), option(parser, "size"),
                      option(parser, "screenshot")};
  if (arguments.model.isEmpty() && !parser.positionalArguments().isEmpty())
    arguments.model = parser.positionalArguments().constFirst();
  return arguments;
}

bool needsNoDisplay(int argc, char** argv) {
  static const QStringList kAsking = {QStringLiteral("--charts"),  QStringLiteral("--screenshot"),
                                      QStringLiteral("--help"),    QStringLiteral("-h"),
                                      QStringLiteral("--version"), QStringLiteral("-v")};
  for (int i = 1; i < argc; ++i)
    if (kAsking.contains(QString::fromLocal8Bit(argv[i]).section(QLatin1Char('='), 0, 0)))
      return true;
  return false;
}

} // namespace nibblesmith
