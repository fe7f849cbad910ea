// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

#include <unistd.h>

namespace nibblesmith::fuzz {

/// Private input file of this process, in memory if /dev/shm exists; removed with the object.
class InputFile {
public:
  explicit InputFile(const std::string& name) {
    const std::filesystem::path memory = "/dev/shm";
    std::error_code ignored;
    const auto root =
        std::filesystem::is_directory(memory, ignored) ? memory : std::filesystem::temp_directory_path();
    m_directory = root / ("nibblesmith_fuzz_" + std::to_string(getpid()));
    std::filesystem::create_directories(m_directory);
    m_path = m_directory / name;
  }
  ~InputFile() {
    std::error_code ignored;
    std::filesystem::remove_all(m_directory, ignored);
  }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const std::filesystem::path& write(std::span<const uint8_t> bytes) const {
    std::ofstream(m_path, std::ios::binary | std::ios::trunc)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return m_path;
  }
  const std::filesystem::path& directory() const { return m_directory; }

private:
  std::filesystem::path m_directory;
  std::filesystem::path m_path;
};

/// Runs a call that may throw base::Error. Any other exception and every crash is a finding.
template <typename Call>
void mayRefuse(Call call) {
  try {
    call();
  } catch (const base::Error& refusal) {
    // A message names the problem and must not contain the whole file.
    if (std::string_view(refusal.what()).size() < 10 || std::string_view(refusal.what()).size() > 4000)
      std::abort();
  }
}

} // namespace nibblesmith::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
