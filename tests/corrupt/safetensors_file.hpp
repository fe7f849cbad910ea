// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "write_bytes.hpp"

#include <cstring>
#include <string>

namespace nibblesmith::test {

/// Hand-made safetensors file in which a test can falsify any part.
struct SafetensorsFile {
  std::string header = R"({"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},)"
                       R"("b":{"dtype":"F16","shape":[4],"data_offsets":[16,24]}})";
  std::string data = std::string(24, '\x3c');
  /// Header size in the file; the default stands for the real size.
  uint64_t claimedHeaderBytes = ~uint64_t{0};

  std::string bytes() const {
    const uint64_t claimed = claimedHeaderBytes == ~uint64_t{0} ? header.size() : claimedHeaderBytes;
    std::string file(sizeof(claimed), '\0');
    std::memcpy(file.data(), &claimed, sizeof(claimed));
    return file + header + data;
  }
};

inline void writeModel(const std::filesystem::path& directory, const std::string& safetensors,
                       const std::string& config = "{}") {
  writeBytes(directory / "config.json", config);
  writeBytes(directory / "model.safetensors", safetensors);
}

} // namespace nibblesmith::test
