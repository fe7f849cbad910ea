// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

namespace nibblesmith {

namespace ui {
class MainWindow;
}

/// Saves a picture of the window when nothing in it is being read or computed any more, and ends the program
/// with exit code 0, or 1 if the file cannot be written. GUI thread.
void saveScreenshotWhenSettled(ui::MainWindow& window, const QString& file);

} // namespace nibblesmith
