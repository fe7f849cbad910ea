// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

namespace nibblesmith {

namespace ui {
class MainWindow;
}

/// Saves a picture of the window once nothing in it is being read or reckoned any more, and ends the program:
/// exit code 0, or 1 where the file cannot be written. GUI thread.
void saveScreenshotWhenSettled(ui::MainWindow& window, const QString& file);

} // namespace nibblesmith
