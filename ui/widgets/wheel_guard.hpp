// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>

namespace nibblesmith::ui {

/// Application event filter: spin boxes, combo boxes and tab bars react to the mouse wheel only while they
/// have the focus, and do not get the focus by the wheel. Otherwise the wheel scrolls the page. GUI thread.
class WheelGuard : public QObject {
  Q_OBJECT

public:
  using QObject::QObject;
  bool eventFilter(QObject* object, QEvent* event) override;
};

} // namespace nibblesmith::ui
