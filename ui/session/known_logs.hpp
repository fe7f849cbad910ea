// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QSettings>
#include <QString>

#include <filesystem>
#include <vector>

namespace nibblesmith::ui {

/// The experiment logs that a user has: their own, the one of `./nib demo` where it is there, and others that
/// they opened. GUI thread.
class KnownLogs {
public:
  struct Log {
    std::filesystem::path path;
    QString name; ///< "My experiments", "Demo", or the file's
  };

  KnownLogs(QSettings& settings, std::filesystem::path own, std::filesystem::path demo);

  /// Own and demo log first, then those opened before, the newest first. The log that is open (`current`) is
  /// always among them; files that are gone are not.
  std::vector<Log> list(const std::filesystem::path& current) const;
  QString nameOf(const std::filesystem::path& log) const;
  bool isOwn(const std::filesystem::path& log) const;
  /// The demo's log; empty where there is none.
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
