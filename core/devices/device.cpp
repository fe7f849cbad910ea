// SPDX-License-Identifier: Apache-2.0
#include "devices/device.hpp"

#include "base/file.hpp"
#include "base/file_lock.hpp"
#include "base/join.hpp"

#include <algorithm>

namespace nibblesmith::devices {

namespace {

constexpr int64_t kSchema = 1;
constexpr size_t kMaxDevices = 10'000;
constexpr size_t kMaxText = 1024;
/// Time to wait for other processes, which hold the lock for milliseconds.
constexpr std::chrono::seconds kLockTimeout{20};

bool hasControlCharacter(const std::string& text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

/// Returns what is wrong with a field, or "".
std::string complaint(const std::string& value, bool mayBeEmpty, bool mayHaveSpaces) {
  if (value.empty())
    return mayBeEmpty ? "" : "expected a value, found nothing";
  if (value.size() > kMaxText)
    return "expected at most " + std::to_string(kMaxText) + " bytes, found " + std::to_string(value.size());
  if (hasControlCharacter(value))
    return "expected printable text, found a control character";
  if (!mayHaveSpaces && value.find(' ') != std::string::npos)
    return "expected no spaces, found '" + value + "'";
  if (!mayHaveSpaces && value.front() == '-')
    return "expected a name that does not begin with '-', found '" + value + "'";
  return {};
}

/// Returns "field: complaint" for the first invalid field, or "".
std::string firstProblem(const Device& device) {
  const auto describe = [](const char* field, const std::string& text) {
    return "'" + std::string(field) + "': " + text;
  };
  if (const std::string text = complaint(device.name, false, true); !text.empty())
    return describe("name", text);
  if (const std::string text = complaint(device.host, false, false); !text.empty())
    return describe("host", text);
  if (device.port == 0)
    return describe("port", "expected 1 to 65535, found 0");
  if (const std::string text = complaint(device.user, true, false); !text.empty())
    return describe("user", text);
  if (const std::string text = complaint(device.keyFile.string(), true, true); !text.empty())
    return describe("keyFile", text);
  if (const std::string text = complaint(device.directory, false, true); !text.empty())
    return describe("directory", text);
  return {};
}

Device deviceFromJson(const base::Json& json, const std::string& origin) {
  Device device;
  device.name = base::required<std::string>(json, "name", origin);
  device.host = base::required<std::string>(json, "host", origin);
  const int64_t port = base::optional<int64_t>(json, "port", 22, origin);
  if (port < 1 || port > 65535)
    base::throwJsonType(json, "port", "an integer from 1 to 65535", origin);
  device.port = static_cast<uint16_t>(port);
  device.user = base::optional<std::string>(json, "user", "", origin);
  device.keyFile = base::optional<std::string>(json, "keyFile", "", origin);
  device.directory = base::optional<std::string>(json, "directory", device.directory, origin);
  if (const std::string text = firstProblem(device); !text.empty())
    throw base::Error(base::ErrorCode::Corrupt, origin + ": " + text);
  return device;
}

base::Json toJson(const Device& device) {
  return {{"name", device.name},
          {"host", device.host},
          {"port", device.port},
          {"user", device.user},
          {"keyFile", device.keyFile.string()},
          {"directory", device.directory}};
}

std::vector<Device> readDevices(const std::filesystem::path& file) {
  const base::Json json = base::parseJson(base::readTextFile(file, uint64_t{16} << 20), file.string());
  const auto schema = base::required<int64_t>(json, "schema", file.string());
  if (schema != kSchema)
    throw base::Error(base::ErrorCode::NotSupported, file.string() + ": 'schema': expected " +
                                                         std::to_string(kSchema) + ", found " +
                                                         std::to_string(schema));
  const auto list = json.find("devices");
  if (list == json.end() || !list->is_array() || list->size() > kMaxDevices)
    base::throwJsonType(json, "devices", "a list of at most " + std::to_string(kMaxDevices) + " devices",
                        file.string());
  std::vector<Device> devices;
  for (size_t i = 0; i < list->size(); ++i) {
    const std::string origin = file.string() + ": device " + std::to_string(i);
    Device device = deviceFromJson((*list)[i], origin);
    if (std::any_of(devices.begin(), devices.end(), [&](const Device& d) { return d.name == device.name; }))
      throw base::Error(base::ErrorCode::Corrupt,
                        origin + ": 'name': expected a unique name, found '" + device.name + "' again");
    devices.push_back(std::move(device));
  }
  return devices;
}

void save(const std::filesystem::path& file, const std::vector<Device>& devices) {
  base::Json list = base::Json::array();
  for (const Device& device : devices)
    list.push_back(toJson(device));
  const base::Json json = {{"schema", kSchema}, {"devices", list}};
  // Names are entered by users and may not be valid UTF-8; invalid bytes are replaced rather than refused.
  base::writeFileAtomically(file, json.dump(2, ' ', false, base::Json::error_handler_t::replace) + "\n");
}

/// Returns an iterator to the device of this name, or the end of the list.
auto named(auto& devices, const std::string& name) {
  return std::find_if(devices.begin(), devices.end(), [&](const Device& d) { return d.name == name; });
}

[[noreturn]] void throwUnknown(const std::vector<Device>& devices, const std::string& name) {
  const std::string known = base::join(devices, ", ", &Device::name);
  throw base::Error(base::ErrorCode::NotFound, "no device '" + name + "': known are " +
                                                   (known.empty() ? "none (add one first)" : known));
}

void checkFields(const Device& device) {
  if (const std::string text = firstProblem(device); !text.empty())
    throw base::Error(base::ErrorCode::InvalidArgument, "device '" + device.name + "': " + text);
}

} // namespace

DeviceList::DeviceList(std::filesystem::path file) : m_file(std::move(file)) {
  if (base::fileExists(m_file))
    m_devices = readDevices(m_file);
}

const Device& DeviceList::device(const std::string& name) const {
  if (const auto found = named(m_devices, name); found != m_devices.end())
    return *found;
  throwUnknown(m_devices, name);
}

void DeviceList::put(const Device& device) {
  checkFields(device);
  update([&](std::vector<Device>& devices) {
    if (const auto found = named(devices, device.name); found != devices.end())
      *found = device;
    else
      devices.push_back(device);
  });
}

void DeviceList::change(const std::string& formerName, const Device& device) {
  checkFields(device);
  update([&](std::vector<Device>& devices) {
    if (device.name != formerName && named(devices, device.name) != devices.end())
      throw base::Error(base::ErrorCode::InvalidArgument,
                        "name: there is a device called '" + device.name + "' already; choose another name");
    const auto found = named(devices, formerName);
    if (formerName.empty())
      devices.push_back(device);
    else if (found == devices.end())
      throwUnknown(devices, formerName);
    else
      *found = device;
  });
}

void DeviceList::remove(const std::string& name) {
  update([&](std::vector<Device>& devices) {
    const auto found = named(devices, name);
    if (found == devices.end())
      throwUnknown(devices, name);
    devices.erase(found);
  });
}

std::filesystem::path DeviceList::knownHostsFile() const { return m_file.parent_path() / "known_hosts"; }

void DeviceList::update(const std::function<void(std::vector<Device>&)>& change) {
  std::filesystem::path lockFile = m_file;
  lockFile += ".lock";
  const base::FileLock lock(lockFile, "changing the list of devices", kLockTimeout);
  std::vector<Device> devices;
  if (base::fileExists(m_file))
    devices = readDevices(m_file);
  change(devices);
  save(m_file, devices);
  m_devices = std::move(devices);
}

std::filesystem::path defaultDeviceListPath() { return base::dataDirectory() / "devices.json"; }

} // namespace nibblesmith::devices
