// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace nibblesmith::devices {

/// Kind of device, with the figures that decide if a model fits and how fast it can run.
struct DeviceProfile {
  std::string id;             ///< "pi-4-4gb"
  std::string name;           ///< "Raspberry Pi 4, 4 GB"
  uint64_t memoryBytes = 0;   ///< total memory of the device
  uint64_t reservedBytes = 0; ///< memory taken by the system and other programs
  int threads = 1;            ///< threads that run a model
  double bandwidth = 0;       ///< memory bandwidth that token generation reaches, bytes per second
  std::string source;         ///< source of the bandwidth, as text
};

/// Reads a profile from JSON, schema 1: id, name, memoryGiB, reservedGiB, threads, bandwidthGBps (10^9
/// bytes), source. Throws base::Error{Corrupt} naming file and field.
DeviceProfile readProfile(const std::filesystem::path& file);

/// Reads all *.json files of the directory, sorted by file name. Throws base::Error{NotFound} if the
/// directory does not exist.
std::vector<DeviceProfile> readProfiles(const std::filesystem::path& directory);

} // namespace nibblesmith::devices
