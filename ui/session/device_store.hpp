// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "devices/deployment.hpp"
#include "devices/device.hpp"

#include <QObject>

#include <filesystem>
#include <map>
#include <optional>
#include <vector>

namespace nibblesmith::ui {

/// List of devices, with the result of the last connection test of each. GUI thread.
class DeviceStore : public QObject {
  Q_OBJECT

public:
  explicit DeviceStore(const std::filesystem::path& file, QObject* parent = nullptr);

  std::vector<devices::Device> devices() const;
  /// Returns the device of this name; none if there is none.
  std::optional<devices::Device> device(const QString& name) const;
  std::filesystem::path knownHostsFile() const;
  /// Reason why the list could not be read. The list is then empty, and the file stays unchanged.
  const QString& error() const { return m_error; }

  /// Adds the device, or replaces the device named `formerName`. Throws base::Error naming the field.
  void put(const devices::Device& device, const QString& formerName = {});
  /// Removes a device. Throws base::Error.
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
