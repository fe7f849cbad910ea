// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "devices/deployment.hpp"

#include <QObject>

#include <filesystem>
#include <map>
#include <optional>
#include <vector>

namespace nibblesmith::ui {

/// The list of devices, with what the last connection test of each one showed. GUI thread.
class DeviceStore : public QObject {
  Q_OBJECT

public:
  explicit DeviceStore(const std::filesystem::path& file, QObject* parent = nullptr);

  std::vector<devices::Device> devices() const;
  /// Null where there is none of this name.
  std::optional<devices::Device> device(const QString& name) const;
  std::filesystem::path knownHostsFile() const;
  /// Why the list could not be read; it is then empty and stays as it is on disk.
  const QString& error() const { return m_error; }

  /// Adds, or replaces the device called `formerName`. Throws base::Error naming the field.
  void put(const devices::Device& device, const QString& formerName = {});
  /// Throws base::Error.
  void remove(const QString& name);

  void setProbe(const QString& name, const devices::Probe& probe);
  std::optional<devices::Probe> probe(const QString& name) const;

signals:
  void changed();

private:
  devices::DeviceList& list();

  std::optional<devices::DeviceList> m_list;
  QString m_error;
  std::map<QString, devices::Probe> m_probes;
};

} // namespace nibblesmith::ui
