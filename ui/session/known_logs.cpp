// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/session/known_logs.hpp"

#include "base/path_status.hpp"
#include "ui/session/text.hpp"

#include <QCoreApplication>

#include <algorithm>

namespace nibblesmith::ui {

namespace {

constexpr int kMostOpened = 6;
const QString kOpenedKey = QStringLiteral("logs/opened");

QString tr(const char* text) { return QCoreApplication::translate("KnownLogs", text); }

bool isSame(const std::filesystem::path& a, const std::filesystem::path& b) {
  std::error_code ignored;
  return a == b || std::filesystem::equivalent(a, b, ignored);
}

} // namespace

KnownLogs::KnownLogs(QSettings& settings, std::filesystem::path own, std::filesystem::path demo)
    : m_settings(settings), m_own(std::move(own)), m_demo(std::move(demo)) {}

std::vector<KnownLogs::Log> KnownLogs::list(const std::filesystem::path& current) const {
  std::vector<Log> logs;
  const auto add = [&](const std::filesystem::path& path) {
    const bool isListed =
        std::any_of(logs.begin(), logs.end(), [&](const Log& log) { return isSame(log.path, path); });
    if (!path.empty() && !isListed)
      logs.push_back({path, nameOf(path)});
  };
  add(m_own); // also before the first run, which creates it
  add(demo());
  add(current);
  for (const QString& path : opened())
    if (base::isRegularFile(toPath(path)))
      add(toPath(path));
  return logs;
}

QString KnownLogs::nameOf(const std::filesystem::path& log) const {
  if (isOwn(log))
    return tr("My experiments");
  if (isSame(log, m_demo))
    return tr("Demo");
  // The folder name says more than the generic name "experiments.db".
  const bool isGeneric = log.stem() == "experiments" && log.parent_path().has_filename();
  return toQString(isGeneric ? log.parent_path().filename() : log.stem());
}

bool KnownLogs::isOwn(const std::filesystem::path& log) const { return isSame(log, m_own); }

std::filesystem::path KnownLogs::demo() const {
  return base::isRegularFile(m_demo) ? m_demo : std::filesystem::path();
}

void KnownLogs::remember(const std::filesystem::path& log) {
  if (isOwn(log) || isSame(log, m_demo))
    return;
  QStringList paths = opened();
  paths.removeAll(toQString(log));
  paths.prepend(toQString(log));
  m_settings.setValue(kOpenedKey, paths.mid(0, kMostOpened));
}

void KnownLogs::forget(const std::filesystem::path& log) {
  QStringList paths = opened();
  paths.removeAll(toQString(log));
  m_settings.setValue(kOpenedKey, paths);
}

QStringList KnownLogs::opened() const { return m_settings.value(kOpenedKey).toStringList(); }

} // namespace nibblesmith::ui
