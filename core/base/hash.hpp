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

/// Incremental SHA-256 (FIPS 180-4), printed as 64 lower-case hexadecimal digits.
class Sha256 {
public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  Sha256& update(std::span<const std::byte> bytes);
  Sha256& update(std::string_view text);
  /// Returns the digest and resets the object.
  std::string hexDigest();

private:
  struct State;
  std::unique_ptr<State> m_state;
};

std::string sha256(std::string_view text);

/// Returns the digest of a file. For a directory: the digest of the lines "<digest>  <relative path>" of its
/// regular files, sorted by path, as `sha256sum` prints them. onRead: called with the size of each chunk that
/// was read. Throws Error{NotFound, Io}, Cancelled.
std::string sha256OfPath(const std::filesystem::path& path, const std::stop_token& stop = {},
                         const std::function<void(uint64_t bytes)>& onRead = {});

} // namespace nibblesmith::base
