// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <QStringList>

namespace nibblesmith {

/// What the command line asks of the workbench.
struct Arguments {
  QString log;        ///< empty: the user's own
  QString model;      ///< to open at the start
  QString page;       ///< to show at the start
  QString theme;      ///< "light", "dark"; empty: as chosen before
  QString charts;     ///< directory: save the log's charts there and end
  QString size;       ///< of the window, "1280x800"; empty: as it was before
  QString screenshot; ///< file: save a picture of the window there and end
};

/// Prints help or a usage error and ends the program where these are due.
Arguments parseArguments(const QStringList& commandLine);

/// Whether the command line asks for files or text only, so that no display is needed.
bool needsNoDisplay(int argc, char** argv);

} // namespace nibblesmith
