// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <QStringList>

namespace nibblesmith {

/// Command line arguments of the workbench.
struct Arguments {
  QString log;        ///< empty: the user's own log
  QString model;      ///< opened at the start
  QString page;       ///< shown at the start
  QString theme;      ///< "light" or "dark"; empty: the last setting
  QString charts;     ///< directory to save the log's charts to; the program then ends
  QString size;       ///< of the window, "1280x800"; empty: the last size
  QString screenshot; ///< file to save a picture of the window to; the program then ends
};

/// Parses the command line. Prints help or a usage error and ends the program if needed.
Arguments parseArguments(const QStringList& commandLine);

/// True if the command line only asks for files or text, which needs no display.
bool needsNoDisplay(int argc, char** argv);

} // namespace nibblesmith
