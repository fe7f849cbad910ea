// SPDX-License-Identifier: Apache-2.0
#include "base/random_id.hpp"

#include "base/error.hpp"

#include <array>
#include <cstdint>

#include <sys/random.h>

namespace nibblesmith::base {

std::string randomId() {
  std::array<uint8_t, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    throwErrno("read", "the system's random numbers");
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

} // namespace nibblesmith::base
