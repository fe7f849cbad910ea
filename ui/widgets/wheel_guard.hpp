// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>

namespace nibblesmith::ui {

/// Lets spin boxes, combo boxes and tab bars take the mouse wheel only while they have the focus, and the
/// wheel not give it to them: it then scrolls the page below them. An event filter for the application. GUI
/// thread.
class WheelGuard : public QObject {
  Q_OBJECT

public:
  using QObject::QObject;
  bool eventFilter(QObject* object, QEvent* event) override;
};

} // namespace nibblesmith::ui
