// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

namespace nibblesmith::base {

/// SHA-256 (FIPS 180-4) of what was fed, as 64 lower-case hexadecimal digits.
class Sha256 {
public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  Sha256& update(std::span<const std::byte> bytes);
  Sha256& update(std::string_view text);
  /// The digest; the object starts anew.
  std::string hexDigest();

private:
  struct State;
  std::unique_ptr<State> m_state;
};

std::string sha256(std::string_view text);

/// Digest of a file, or of a directory: of its regular files' "<digest>  <relative path>" lines in path
/// order, as `sha256sum` prints them. onRead gets the number of bytes of each piece that was read. Throws
/// Error{NotFound, Io}, Cancelled.
std::string sha256OfPath(const std::filesystem::path& path, const std::stop_token& stop = {},
                         const std::function<void(uint64_t bytes)>& onRead = {});

} // namespace nibblesmith::base
