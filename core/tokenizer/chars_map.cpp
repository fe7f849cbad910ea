// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/chars_map.hpp"

#include "base/error.hpp"
#include "tokenizer/utf8.hpp"

#include <cstring>

namespace nibblesmith::tokenizer {

namespace {

bool hasValue(uint32_t unit) { return (unit >> 8 & 1u) != 0; }
uint32_t valueOf(uint32_t unit) { return unit & 0x7FFFFFFFu; }
uint32_t labelOf(uint32_t unit) { return unit & 0x800000FFu; }
uint32_t offsetOf(uint32_t unit) { return (unit >> 10) << ((unit & 0x200u) >> 6); }

} // namespace

CharsMap::CharsMap(std::string_view bytes, const std::string& origin) {
  uint32_t size = 0;
  if (bytes.size() >= sizeof(size))
    std::memcpy(&size, bytes.data(), sizeof(size));
  if (size == 0 || size % sizeof(uint32_t) != 0 || size > bytes.size() - sizeof(size))
    throw base::Error(base::ErrorCode::Corrupt, origin + ": the table of replacements claims " +
                                                    std::to_string(size) + " bytes of a trie, found " +
                                                    std::to_string(bytes.size()) + " in all");
  m_units.resize(size / sizeof(uint32_t));
  std::memcpy(m_units.data(), bytes.data() + sizeof(size), size);
  m_replacements = bytes.substr(sizeof(size) + size);
}

size_t CharsMap::longest(std::string_view text, uint32_t& value) const {
  size_t found = 0;
  uint32_t node = offsetOf(m_units[0]);
  for (size_t i = 0; i < text.size(); ++i) {
    const auto label = static_cast<uint8_t>(text[i]);
    node ^= label;
    if (node >= m_units.size() || labelOf(m_units[node]) != label)
      break;
    const uint32_t unit = m_units[node];
    node ^= offsetOf(unit);
    if (!hasValue(unit))
      continue;
    if (node >= m_units.size() || valueOf(m_units[node]) >= m_replacements.size())
      break; // a table that lies
    value = valueOf(m_units[node]);
    found = i + 1;
  }
  return found;
}

std::string CharsMap::apply(std::string_view text) const {
  std::string result;
  for (size_t at = 0; at < text.size();) {
    uint32_t value = 0;
    if (const size_t length = longest(text.substr(at), value)) {
      result += m_replacements.substr(value, m_replacements.find('\0', value) - value);
      at += length;
      continue;
    }
    const size_t length = characterOrByte(text, at);
    result += text.substr(at, length);
    at += length;
  }
  return result;
}

} // namespace nibblesmith::tokenizer
