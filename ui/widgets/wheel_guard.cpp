// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/wheel_guard.hpp"

#include <QAbstractSpinBox>
#include <QComboBox>
#include <QEvent>
#include <QTabBar>

namespace nibblesmith::ui {

namespace {

bool changesByWheel(const QObject* object) {
  return qobject_cast<const QAbstractSpinBox*>(object) || qobject_cast<const QComboBox*>(object) ||
         qobject_cast<const QTabBar*>(object);
}

/// Returns the box itself, or the box that contains a line edit.
QWidget* boxAt(QObject* object) {
  if (changesByWheel(object))
    return static_cast<QWidget*>(object);
  return changesByWheel(object->parent()) && object->inherits("QLineEdit")
             ? static_cast<QWidget*>(object->parent())
             : nullptr;
}

} // namespace

bool WheelGuard::eventFilter(QObject* object, QEvent* event) {
  if (event->type() == QEvent::Polish) {
    if (changesByWheel(object) && static_cast<QWidget*>(object)->focusPolicy() == Qt::WheelFocus)
      static_cast<QWidget*>(object)->setFocusPolicy(Qt::StrongFocus);
  } else if (event->type() == QEvent::Wheel) {
    if (const QWidget* box = boxAt(object); box && !box->hasFocus()) {
      event->ignore(); // the application then passes it to the parent
      return true;
    }
  }
  return false;
}

} // namespace nibblesmith::ui
