// SPDX-License-Identifier: Apache-2.0
#include "host/plugin_catalog.hpp"

#include "base/error.hpp"
#include "base/path_status.hpp"
#include "host/plugin_file.hpp"

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <system_error>

namespace nibblesmith::plugins {

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> librariesIn(const fs::path& directory) {
  std::vector<fs::path> files;
  for (const fs::path& folder : {directory, directory / "quantizers"}) {
    for (const fs::path& entry : base::readableEntries(folder))
      if (entry.extension() == ".so" && base::isRegularFile(entry))
        files.push_back(entry);
  }
  return files;
}

} // namespace

PluginCatalog::PluginCatalog(const std::vector<fs::path>& directories) {
  for (const fs::path& directory : directories)
    for (const fs::path& file : librariesIn(directory))
      add(file);
  std::sort(m_methods.begin(), m_methods.end(),
            [](const Method& a, const Method& b) { return a.description.name < b.description.name; });
}

PluginCatalog PluginCatalog::installed() { return PluginCatalog(installedDirectories()); }

std::vector<fs::path> PluginCatalog::installedDirectories() {
  std::vector<fs::path> directories;
  if (const char* list = std::getenv("NIBBLESMITH_PLUGINS"); list && *list) {
    for (std::string_view rest = list; !rest.empty();) {
      const size_t end = std::min(rest.find(':'), rest.size());
      if (end > 0)
        directories.emplace_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return directories;
  }
  std::error_code failure;
  const fs::path program = fs::read_symlink("/proc/self/exe", failure);
  const fs::path prefix = program.parent_path().parent_path();
  for (const fs::path& candidate :
       {prefix / "plugins", prefix / NIB_PLUGIN_DIRECTORY, prefix / "lib" / "nibblesmith" / "plugins"})
    if (std::find(directories.begin(), directories.end(), candidate) == directories.end())
      directories.push_back(candidate);
  return directories;
}

void PluginCatalog::add(const fs::path& file) {
  PluginStatus status;
  status.file = file;
  try {
    status.method = readPluginMetadata(file);
    const std::string& name = status.method->name;
    const auto same = std::find_if(m_plugins.begin(), m_plugins.end(), [&](const PluginStatus& other) {
      return other.error.empty() && other.method && other.method->name == name;
    });
    if (same != m_plugins.end())
      throw base::Error(base::ErrorCode::InvalidArgument, "plugin '" + file.string() + "': the method '" +
                                                              name + "' is already provided by '" +
                                                              same->file.string() + "'");
    m_methods.push_back({*status.method, loadQuantizer(file)});
  } catch (const base::Error& error) {
    status.error = error.what();
  }
  m_plugins.push_back(std::move(status));
}

std::vector<quantization::MethodDescription> PluginCatalog::methods() const {
  std::vector<quantization::MethodDescription> descriptions;
  for (const Method& method : m_methods)
    descriptions.push_back(method.description);
  return descriptions;
}

const Quantizer& PluginCatalog::quantizer(quantization::MethodKind kind, const std::string& use) const {
  const std::string name = find(kind, use).name; // throws with the known names
  return *std::find_if(m_methods.begin(), m_methods.end(), [&](const Method& method) {
            return method.description.name == name;
          })->quantizer;
}

namespace {

template <typename Made>
std::unique_ptr<Made> required(std::unique_ptr<Made> made, const std::string& use) {
  if (!made)
    throw base::Error(base::ErrorCode::NotSupported,
                      "the plugin of '" + use + "' does not create what its \"kind\" declares");
  return made;
}

} // namespace

std::unique_ptr<quantization::Rounding> PluginCatalog::makeRounding(const std::string& use,
                                                                    const base::Json& parameters) const {
  return required(quantizer(quantization::MethodKind::Rounding, use).makeRounding(parameters), use);
}

std::unique_ptr<quantization::Transform> PluginCatalog::makeTransform(const std::string& use,
                                                                      const base::Json& parameters) const {
  return required(quantizer(quantization::MethodKind::Transform, use).makeTransform(parameters), use);
}

} // namespace nibblesmith::plugins
