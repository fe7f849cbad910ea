// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace nibblesmith::devices {

/// A kind of board, as far as whether a model fits and how fast it can be goes.
struct DeviceProfile {
  std::string id;             ///< "pi-4-4gb"
  std::string name;           ///< "Raspberry Pi 4, 4 GB"
  uint64_t memoryBytes = 0;   ///< of the board
  uint64_t reservedBytes = 0; ///< that the system and what runs beside take
  int threads = 1;            ///< that a model runs on
  double bandwidth = 0;       ///< bytes per second that generation gets out of the memory
  std::string source;         ///< where the bandwidth is from, in words
};

/// From JSON, schema 1: id, name, memoryGiB, reservedGiB, threads, bandwidthGBps (10^9 bytes), source. Throws
/// base::Error{Corrupt} naming file and field.
DeviceProfile readProfile(const std::filesystem::path& file);

/// Of all *.json of the directory, by file name. Throws base::Error{NotFound} where there is no such
/// directory.
std::vector<DeviceProfile> readProfiles(const std::filesystem::path& directory);

} // namespace nibblesmith::devices
