// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/theme.hpp"

#include "ui/widgets/style.hpp"

#include <QApplication>
#include <QDBusConnection>
#include <QDBusMessage>
#include <QDBusPendingCallWatcher>
#include <QDBusPendingReply>

namespace nibblesmith::ui {

namespace {

const QString kPortal = QStringLiteral("org.freedesktop.portal.Desktop");
const QString kPortalPath = QStringLiteral("/org/freedesktop/portal/desktop");
const QString kPortalSettings = QStringLiteral("org.freedesktop.portal.Settings");
const QString kAppearance = QStringLiteral("org.freedesktop.appearance");
const QString kColorScheme = QStringLiteral("color-scheme");
constexpr uint kPrefersDark = 1;

struct Tones {
  QRgb window, base, alternate, text, faint, button, border, accent, onAccent, tip, link, problem;
};

QPalette makePalette(const Tones& tones) {
  const QColor window(tones.window), text(tones.text), faint(tones.faint), border(tones.border);
  QPalette palette(QColor(tones.button), window);
  palette.setColor(QPalette::WindowText, text);
  palette.setColor(QPalette::Base, tones.base);
  palette.setColor(QPalette::AlternateBase, tones.alternate);
  palette.setColor(QPalette::Text, text);
  palette.setColor(QPalette::ButtonText, text);
  palette.setColor(QPalette::BrightText, tones.problem);
  palette.setColor(QPalette::PlaceholderText, faint);
  palette.setColor(QPalette::ToolTipBase, tones.tip);
  palette.setColor(QPalette::ToolTipText, text);
  palette.setColor(QPalette::Highlight, tones.accent);
  palette.setColor(QPalette::HighlightedText, tones.onAccent);
  palette.setColor(QPalette::Link, tones.link);
  palette.setColor(QPalette::LinkVisited, tones.link);
  palette.setColor(QPalette::Mid, border);
  for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText})
    palette.setColor(QPalette::Disabled, role, faint);
  palette.setColor(QPalette::Disabled, QPalette::Highlight, border);
  palette.setColor(QPalette::Disabled, QPalette::HighlightedText, faint);
  return palette;
}

bool isDarkPalette(const QPalette& palette) { return palette.color(QPalette::Window).lightness() < 128; }

} // namespace

QString themeName(ThemeChoice choice) {
  switch (choice) {
  case ThemeChoice::Light:
    return QStringLiteral("light");
  case ThemeChoice::Dark:
    return QStringLiteral("dark");
  case ThemeChoice::System:
    break;
  }
  return QStringLiteral("system");
}

ThemeChoice themeFromName(const QString& name) {
  for (const ThemeChoice choice : {ThemeChoice::Light, ThemeChoice::Dark})
    if (name == themeName(choice))
      return choice;
  return ThemeChoice::System;
}

QPalette lightPalette() {
  return makePalette({.window = 0xfff3f4f6,
                      .base = 0xffffffff,
                      .alternate = 0xfff7f8fa,
                      .text = 0xff1f2328,
                      .faint = 0xff6a727c,
                      .button = 0xffeceef1,
                      .border = 0xffcfd4da,
                      .accent = 0xff1f6fb2,
                      .onAccent = 0xffffffff,
                      .tip = 0xffffffff,
                      .link = 0xff1a63a0,
                      .problem = 0xffb31d1d});
}

QPalette darkPalette() {
  return makePalette({.window = 0xff22262b,
                      .base = 0xff1a1d21,
                      .alternate = 0xff1f2328,
                      .text = 0xffe4e7ea,
                      .faint = 0xff969ea7,
                      .button = 0xff32373e,
                      .border = 0xff454c55,
                      .accent = 0xff2f7fc4,
                      .onAccent = 0xffffffff,
                      .tip = 0xff2b3036,
                      .link = 0xff6db3ec,
                      .problem = 0xffff8a80});
}

QColor problemColor(const QPalette& palette) { return palette.color(QPalette::BrightText); }

QColor successColor(const QPalette& palette) {
  return isDarkPalette(palette) ? QColor(0x6f, 0xcf, 0x97) : QColor(0x1c, 0x7a, 0x43);
}

QColor faintColor(const QPalette& palette) { return palette.color(QPalette::PlaceholderText); }

Theme::Theme(QApplication& application, QObject* parent)
    : QObject(parent), m_application(application), m_systemIsDark(isDarkPalette(QApplication::palette())) {
  QApplication::setStyle(new Style);
  askPortal();
  apply();
}

void Theme::setChoice(ThemeChoice choice) {
  m_choice = choice;
  apply();
}

bool Theme::isDark() const {
  return m_choice == ThemeChoice::Dark || (m_choice == ThemeChoice::System && m_systemIsDark);
}

void Theme::askPortal() {
  QDBusConnection bus = QDBusConnection::sessionBus();
  if (!bus.isConnected())
    return;
  bus.connect(kPortal, kPortalPath, kPortalSettings, QStringLiteral("SettingChanged"), this,
              SLOT(onPortalSetting(QString, QString, QDBusVariant)));
  QDBusMessage question =
      QDBusMessage::createMethodCall(kPortal, kPortalPath, kPortalSettings, QStringLiteral("Read"));
  question << kAppearance << kColorScheme;
  auto* watcher = new QDBusPendingCallWatcher(bus.asyncCall(question), this);
  connect(watcher, &QDBusPendingCallWatcher::finished, this, [this](QDBusPendingCallWatcher* call) {
    const QDBusPendingReply<QDBusVariant> reply = *call;
    if (reply.isValid()) {
      // Read() returns a variant nested in a variant.
      const QVariant inner = reply.value().variant();
      onPortalSetting(kAppearance, kColorScheme,
                      inner.canConvert<QDBusVariant>() ? inner.value<QDBusVariant>() : QDBusVariant(inner));
    }
    call->deleteLater();
  });
}

void Theme::onPortalSetting(const QString& group, const QString& key, const QDBusVariant& value) {
  if (group != kAppearance || key != kColorScheme)
    return;
  m_systemIsDark = value.variant().toUInt() == kPrefersDark;
  apply();
}

void Theme::apply() { m_application.setPalette(isDark() ? darkPalette() : lightPalette()); }

} // namespace nibblesmith::ui
