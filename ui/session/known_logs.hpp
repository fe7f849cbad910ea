// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QSettings>
#include <QString>

#include <filesystem>
#include <vector>

namespace nibblesmith::ui {

/// Experiment logs of a user: their own, the demo log if it exists, and others that they opened.
/// GUI thread.
class KnownLogs {
public:
  struct Log {
    std::filesystem::path path;
    QString name; ///< "My experiments", "Demo", or the file name
  };

  KnownLogs(QSettings& settings, std::filesystem::path own, std::filesystem::path demo);

  /// Returns the own log and the demo log first, then those opened before, newest first. Always includes the
  /// open log (`current`); omits files that no longer exist.
  std::vector<Log> list(const std::filesystem::path& current) const;
  QString nameOf(const std::filesystem::path& log) const;
  bool isOwn(const std::filesystem::path& log) const;
  /// Path of the demo log; empty if it does not exist.
  std::filesystem::path demo() const;

  void remember(const std::filesystem::path& log);
  void forget(const std::filesystem::path& log);

private:
  QStringList opened() const;

  QSettings& m_settings;
  std::filesystem::path m_own;
  std::filesystem::path m_demo;
};

} // namespace nibblesmith::ui
