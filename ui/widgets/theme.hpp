// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QDBusVariant>
#include <QObject>
#include <QPalette>
#include <QString>

class QApplication;

namespace nibblesmith::ui {

enum class ThemeChoice { System, Light, Dark };

QString themeName(ThemeChoice choice); ///< "system", "light", "dark": for settings and the command line
ThemeChoice themeFromName(const QString& name);

QPalette lightPalette();
QPalette darkPalette();

/// Colours for problems and successes, readable on the palette's window and base.
QColor problemColor(const QPalette& palette);
QColor successColor(const QPalette& palette);
/// Returns the colour of less important text: units, hints.
QColor faintColor(const QPalette& palette);

/// Applies Fusion with our light or dark palette to the application. Follows the choice of the desktop
/// (settings portal of freedesktop.org, otherwise the platform's initial palette). GUI thread.
class Theme : public QObject {
  Q_OBJECT

public:
  explicit Theme(QApplication& application, QObject* parent = nullptr);

  ThemeChoice choice() const { return m_choice; }
  void setChoice(ThemeChoice choice);
  bool isDark() const;

private slots:
  void onPortalSetting(const QString& group, const QString& key, const QDBusVariant& value);

private:
  void askPortal();
  void apply();

  QApplication& m_application;
  ThemeChoice m_choice = ThemeChoice::System;
  bool m_systemIsDark = false;
};

} // namespace nibblesmith::ui
