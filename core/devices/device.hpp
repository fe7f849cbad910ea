// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace nibblesmith::devices {

/// Connection settings of a device. Stored in devices.json in base::dataDirectory(); contains no secrets.
struct Device {
  std::string name; ///< unique
  std::string host;
  uint16_t port = 22;
  std::string user;
  std::filesystem::path keyFile;         ///< empty: the SSH agent, then the user's default keys
  std::string directory = "nibblesmith"; ///< on the device, relative to the home directory

  bool operator==(const Device&) const = default;
};

/// List of known devices. Several processes may change the file at once: each change is applied to the
/// current content of the file. Throws base::Error{Corrupt} with the file's name.
class DeviceList {
public:
  explicit DeviceList(std::filesystem::path file);
  const std::vector<Device>& devices() const { return m_devices; }
  /// Returns the device of this name. Throws base::Error{NotFound} listing the known names.
  const Device& device(const std::string& name) const;
  /// Adds the device, or replaces the one of the same name. Throws base::Error{InvalidArgument} naming the
  /// field.
  void put(const Device& device);
  /// Adds a device if formerName is empty, otherwise changes the device of that name. Throws
  /// base::Error{InvalidArgument} if another device has the new name, {NotFound} if formerName is unknown.
  void change(const std::string& formerName, const Device& device);
  void remove(const std::string& name);
  /// Returns the path of known_hosts in OpenSSH's format, next to the list. The user's own ~/.ssh/known_hosts
  /// is read too, but never written.
  std::filesystem::path knownHostsFile() const;

private:
  void update(const std::function<void(std::vector<Device>&)>& change);
  std::filesystem::path m_file;
  std::vector<Device> m_devices;
};

/// Returns the path of devices.json in base::dataDirectory().
std::filesystem::path defaultDeviceListPath();

} // namespace nibblesmith::devices
