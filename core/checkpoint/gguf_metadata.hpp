// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/budget.hpp"
#include "base/error.hpp"
#include "base/json.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

namespace nibblesmith::checkpoint {

/// Sequential reader for little-endian values of a GGUF file. Every read is checked against the remaining
/// bytes, and kept data against the memory budget of one file. Throws base::Error{Corrupt}, Cancelled.
class GgufCursor {
public:
  GgufCursor(std::span<const std::byte> bytes, const std::string& origin, const std::stop_token& stop);

  template <typename T>
  T read(std::string_view what) {
    require(sizeof(T), what);
    T value;
    std::memcpy(&value, m_bytes.data() + m_position, sizeof(T));
    m_position += sizeof(T);
    return value;
  }
  std::string readString(std::string_view what);
  /// Reads a string that must be valid UTF-8, such as a name.
  std::string readName(std::string_view what);
  /// Counts memory before a field is stored.
  void keep(uint64_t bytes, std::string_view what) { m_budget.hold(bytes, what); }
  /// Counts values before they are read.
  void step(uint64_t values, std::string_view what) { m_budget.step(values, what); }

  const std::string& origin() const { return m_origin; }
  uint64_t position() const { return m_position; }
  uint64_t left() const { return m_bytes.size() - m_position; }
  [[noreturn]] void corrupt(const std::string& what) const;

private:
  void require(uint64_t bytes, std::string_view what) const {
    if (bytes > left())
      throwCutShort(bytes, what);
  }
  [[noreturn]] void throwCutShort(uint64_t bytes, std::string_view what) const;

  std::span<const std::byte> m_bytes;
  std::string m_origin;
  base::Budget m_budget;
  uint64_t m_position = 0;
};

/// Reads `count` metadata keys, including arrays, into one flat object. Throws base::Error{Corrupt},
/// Cancelled.
base::Json readGgufMetadata(GgufCursor& in, uint64_t count);

} // namespace nibblesmith::checkpoint
