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

/// A file of this process alone, in memory where the system has a place for that; gone with the process.
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

/// Refusing is right; any other exception, and every crash, is what is looked for.
template <typename Call>
void mayRefuse(Call call) {
  try {
    call();
  } catch (const base::Error& refusal) {
    // A message names what is wrong, and does not carry the file along.
    if (std::string_view(refusal.what()).size() < 10 || std::string_view(refusal.what()).size() > 4000)
      std::abort();
  }
}

} // namespace nibblesmith::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
