// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace nibblesmith::devices {

/// How to reach a board. Stored in devices.json in base::dataDirectory(); no secrets in it.
struct Device {
  std::string name; ///< unique
  std::string host;
  uint16_t port = 22;
  std::string user;
  std::filesystem::path keyFile;         ///< empty: the agent, then the user's default keys
  std::string directory = "nibblesmith"; ///< on the device, relative to the home directory

  bool operator==(const Device&) const = default;
};

/// The list of known devices. Several processes may change the file at once: each change is made to what the
/// file holds at that moment. Throws base::Error{Corrupt} with the file's name.
class DeviceList {
public:
  explicit DeviceList(std::filesystem::path file);
  const std::vector<Device>& devices() const { return m_devices; }
  /// Throws base::Error{NotFound} naming the known ones.
  const Device& device(const std::string& name) const;
  /// Replaces one of the same name. Throws base::Error{InvalidArgument} naming the field.
  void put(const Device& device);
  /// Adds a device where formerName is empty, else changes the one of that name. Throws
  /// base::Error{InvalidArgument} where another device has the new name, {NotFound}.
  void change(const std::string& formerName, const Device& device);
  void remove(const std::string& name);
  /// known_hosts in OpenSSH's format, beside the list; the user's own ~/.ssh/known_hosts is read too, never
  /// written.
  std::filesystem::path knownHostsFile() const;

private:
  void update(const std::function<void(std::vector<Device>&)>& change);
  std::filesystem::path m_file;
  std::vector<Device> m_devices;
};

/// devices.json in base::dataDirectory().
std::filesystem::path defaultDeviceListPath();

} // namespace nibblesmith::devices
