// SPDX-License-Identifier: Apache-2.0
#include "devices/profile.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "base/path_status.hpp"

#include <algorithm>

namespace nibblesmith::devices {

namespace {

constexpr int64_t kSchema = 1;
constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;

double within(const base::Json& json, const char* key, double least, double most, const std::string& origin) {
  const double value = base::required<double>(json, key, origin);
  if (!(value >= least && value <= most))
    throw base::Error(base::ErrorCode::Corrupt, origin + ": '" + key + "': expected " +
                                                    std::to_string(least) + " to " + std::to_string(most) +
                                                    ", found " + std::to_string(value));
  return value;
}

} // namespace

DeviceProfile readProfile(const std::filesystem::path& file) {
  const std::string origin = file.string();
  const base::Json json = base::readJsonFile(file);
  if (const auto schema = base::required<int64_t>(json, "schema", origin); schema != kSchema)
    throw base::Error(base::ErrorCode::Corrupt, origin + ": 'schema': expected " + std::to_string(kSchema) +
                                                    ", found " + std::to_string(schema));
  DeviceProfile profile;
  profile.id = base::required<std::string>(json, "id", origin);
  profile.name = base::required<std::string>(json, "name", origin);
  const double memory = within(json, "memoryGiB", 0.0625, 4096, origin);
  profile.memoryBytes = static_cast<uint64_t>(memory * kGiB);
  profile.reservedBytes = static_cast<uint64_t>(within(json, "reservedGiB", 0, memory, origin) * kGiB);
  profile.threads = static_cast<int>(within(json, "threads", 1, 1024, origin));
  profile.bandwidth = 1e9 * within(json, "bandwidthGBps", 0.01, 100'000, origin);
  profile.source = base::required<std::string>(json, "source", origin);
  return profile;
}

std::vector<DeviceProfile> readProfiles(const std::filesystem::path& directory) {
  if (!base::isDirectory(directory))
    throw base::Error(base::ErrorCode::NotFound,
                      "no device profiles: expected a directory '" + directory.string() + "'");
  std::vector<std::filesystem::path> files;
  for (const auto& entry : base::directoryEntries(directory))
    if (entry.extension() == ".json")
      files.push_back(entry);
  std::vector<DeviceProfile> profiles;
  for (const auto& file : files)
    profiles.push_back(readProfile(file));
  return profiles;
}

} // namespace nibblesmith::devices
