// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/session/device_store.hpp"

#include "base/error.hpp"
#include "devices/device.hpp"
#include "ui/session/text.hpp"

namespace nibblesmith::ui {

DeviceStore::DeviceStore(const std::filesystem::path& file, QObject* parent) : QObject(parent) {
  try {
    m_list.emplace(file);
  } catch (const base::Error& error) {
    m_error = toQString(std::string_view(error.what()));
  }
}

std::vector<devices::Device> DeviceStore::devices() const {
  return m_list ? m_list->devices() : std::vector<devices::Device>();
}

std::optional<devices::Device> DeviceStore::device(const QString& name) const {
  for (const devices::Device& device : devices())
    if (toQString(std::string_view(device.name)) == name)
      return device;
  return std::nullopt;
}

std::filesystem::path DeviceStore::knownHostsFile() const {
  return m_list ? m_list->knownHostsFile() : std::filesystem::path();
}

void DeviceStore::put(const devices::Device& device, const QString& formerName) {
  list().change(formerName.toStdString(), device);
  if (toQString(std::string_view(device.name)) != formerName)
    m_probes.erase(formerName);
  emit changed();
}

void DeviceStore::remove(const QString& name) {
  list().remove(name.toStdString());
  m_probes.erase(name);
  emit changed();
}

void DeviceStore::setProbe(const QString& name, const devices::Probe& probe) {
  m_probes[name] = probe;
  emit changed();
}

std::optional<devices::Probe> DeviceStore::probe(const QString& name) const {
  const auto found = m_probes.find(name);
  return found == m_probes.end() ? std::nullopt : std::optional(found->second);
}

devices::DeviceList& DeviceStore::list() {
  if (!m_list)
    throw base::Error(base::ErrorCode::Corrupt, m_error.toStdString());
  return *m_list;
}

} // namespace nibblesmith::ui
