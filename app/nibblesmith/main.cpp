// SPDX-License-Identifier: GPL-3.0-or-later
#include "arguments.hpp"
#include "screenshot.hpp"

#include "base/error.hpp"
#include "base/foreign_text.hpp"
#include "base/input_file.hpp"
#include "base/memory.hpp"
#include "base/path_status.hpp"
#include "common/signal_stop.hpp"
#include "devices/device.hpp"
#include "experiments/experiment_log.hpp"
#include "host/plugin_catalog.hpp"
#include "ui/charts/chart_export.hpp"
#include "ui/main_window.hpp"
#include "ui/session/session.hpp"
#include "ui/session/text.hpp"
#include "ui/widgets/icons.hpp"
#include "ui/widgets/theme.hpp"
#include "workflow/recipes.hpp"

#include <QApplication>
#include <QFileInfo>
#include <QSettings>

#include <clocale>
#include <cstdio>
#include <cstdlib>

namespace nibblesmith {

namespace {

constexpr size_t kPathBytes = 4096;

std::filesystem::path besideProgram(const char* name) {
  return ui::toPath(QApplication::applicationDirPath()) / name;
}

std::filesystem::path resourceDirectory() {
  const std::filesystem::path installed = besideProgram("../share/nibblesmith").lexically_normal();
  return base::pathExists(installed) ? installed : std::filesystem::path(NIB_RESOURCES);
}

ui::SessionPaths findPaths(const Arguments& arguments) {
  ui::SessionPaths paths;
  paths.ownLog = experiments::defaultLogPath();
  paths.demoLog = experiments::demoLogPath();
  paths.log =
      arguments.log.isEmpty() ? paths.ownLog : ui::toPath(QFileInfo(arguments.log).absoluteFilePath());
  paths.runner = besideProgram("nsmith-runner");
  paths.resources = resourceDirectory();
  paths.deviceList = devices::defaultDeviceListPath();
  return paths;
}

/// Saves the charts of all experiments in the log, for scripts.
int saveCharts(const std::filesystem::path& log, const QString& directory) {
  if (!base::fileExists(log))
    throw base::Error(base::ErrorCode::NotFound, "'" + log.string() + "': there is no such experiment log");
  const auto rows = experiments::ExperimentLog(log).experiments();
  for (const std::filesystem::path& file : ui::renderCharts(rows, ui::toPath(directory)))
    std::printf("%s\n", base::foreignText(file.native(), kPathBytes).c_str());
  return 0;
}

QSize sizeFrom(const QString& text) {
  const QStringList parts = text.split(QLatin1Char('x'));
  const QSize size(parts.value(0).toInt(), parts.value(1).toInt());
  if (parts.size() != 2 || size.isEmpty())
    throw base::Error(base::ErrorCode::InvalidArgument,
                      "--size: expected width x height, e.g. 1280x800, found '" + text.toStdString() + "'");
  return size;
}

int runWindow(QApplication& application, const Arguments& arguments) {
  const ui::SessionPaths paths = findPaths(arguments);
  const plugins::PluginCatalog methods = plugins::PluginCatalog::installed();
  QSettings settings;
  ui::Theme theme(application);
  ui::Session session(paths, ui::coreWorkflow(), methods, settings);
  ui::MainWindow window(session, theme, workflow::builtInRecipes(paths.resources));
  if (!arguments.theme.isEmpty())
    theme.setChoice(ui::themeFromName(arguments.theme));
  const auto page = ui::pageNamed(arguments.page);
  if (!arguments.page.isEmpty() && !page)
    throw base::Error(base::ErrorCode::InvalidArgument,
                      "--page: expected models, recipe, queue, experiments or devices, found '" +
                          arguments.page.toStdString() + "'");
  if (page)
    window.showPage(*page);
  if (!arguments.size.isEmpty())
    window.resize(sizeFrom(arguments.size));
  window.show();
  session.experiments().refresh();
  if (!arguments.model.isEmpty()) {
    session.openModel(ui::toPath(QFileInfo(arguments.model).absoluteFilePath()));
    window.showPage(page.value_or(ui::Page::Models));
  }
  if (!arguments.screenshot.isEmpty())
    saveScreenshotWhenSettled(window, arguments.screenshot);
  return QApplication::exec();
}

} // namespace

} // namespace nibblesmith

int main(int argc, char** argv) {
  using namespace nibblesmith;
  base::keepFreedMemory();
  ignoreFileSizeSignal();
  const bool hasDisplay = std::getenv("DISPLAY") || std::getenv("WAYLAND_DISPLAY");
  if (!hasDisplay && !std::getenv("QT_QPA_PLATFORM")) {
    if (!needsNoDisplay(argc, argv)) {
      std::fputs("nibblesmith: expected a display for the window, found neither DISPLAY nor WAYLAND_DISPLAY; "
                 "'nsmith' does the same work without a window\n",
                 stderr);
      return 1;
    }
    setenv("QT_QPA_PLATFORM", "offscreen", 1);
  }
  QApplication application(argc, argv);
  // Qt passes the user's locale to the C library; a decimal comma would then get into files.
  std::setlocale(LC_NUMERIC, "C");
  QApplication::setOrganizationName(QStringLiteral("nibblesmith"));
  QApplication::setApplicationName(QStringLiteral("nibblesmith"));
  QApplication::setApplicationVersion(QStringLiteral(NIB_VERSION));
  QApplication::setDesktopFileName(QStringLiteral("nibblesmith"));
  QApplication::setWindowIcon(ui::applicationIcon());
  try {
    const Arguments arguments = parseArguments(QApplication::arguments());
    if (!arguments.charts.isEmpty())
      return saveCharts(findPaths(arguments).log, arguments.charts);
    return runWindow(application, arguments);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "nibblesmith: %s\n", base::messageText(error.what()).c_str());
    return 1;
  }
}
