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

/// Colours for what is wrong and what went well, readable on the palette's window and base.
QColor problemColor(const QPalette& palette);
QColor successColor(const QPalette& palette);
/// Text of less weight: units, hints.
QColor faintColor(const QPalette& palette);

/// Puts Fusion with our light or dark palette on the application, and follows the desktop's choice (the
/// settings portal of freedesktop.org, else the palette the platform starts with). GUI thread.
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
