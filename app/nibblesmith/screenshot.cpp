// SPDX-License-Identifier: GPL-3.0-or-later
#include "screenshot.hpp"

#include "ui/main_window.hpp"

#include <QApplication>
#include <QPixmap>
#include <QTimer>

#include <cstdio>

namespace nibblesmith {

void saveScreenshotWhenSettled(ui::MainWindow& window, const QString& file) {
  constexpr int kLookMs = 100;
  constexpr int kSettledChecks = 8; // number of checks that let layouts, charts and delayed estimates finish
  auto* timer = new QTimer(&window);
  timer->setInterval(kLookMs);
  QObject::connect(timer, &QTimer::timeout, &window, [&window, timer, file, quiet = 0]() mutable {
    quiet = window.isSettled() ? quiet + 1 : 0;
    if (quiet < kSettledChecks)
      return;
    timer->stop();
    const bool isSaved = window.grab().save(file);
    if (!isSaved)
      std::fprintf(stderr, "nibblesmith: cannot write '%s'\n", qPrintable(file));
    QApplication::exit(isSaved ? 0 : 1);
  });
  timer->start();
}

} // namespace nibblesmith
