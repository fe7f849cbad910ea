// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/chars_map.hpp"

#include "tokenizer/limits.hpp"
#include "tokenizer/utf8.hpp"

#include <cstring>

namespace nibblesmith::tokenizer {

namespace {

using base::Error;
using base::ErrorCode;

bool hasValue(uint32_t unit) { return (unit >> 8 & 1u) != 0; }
uint32_t valueOf(uint32_t unit) { return unit & 0x7FFFFFFFu; }
uint32_t labelOf(uint32_t unit) { return unit & 0x800000FFu; }
uint32_t offsetOf(uint32_t unit) { return (unit >> 10) << ((unit & 0x200u) >> 6); }

} // namespace

/// Validator that visits every reachable unit once. Entries may share suffixes.
class CharsMap::Check {
public:
  Check(const CharsMap& map, const std::string& origin)
      : m_units(map.m_units), m_replacements(map.m_replacements), m_origin(origin),
        m_heights(map.m_units.size(), kUnseen) {
    heightOf(0, offsetOf(m_units[0]), 0);
  }

private:
  static constexpr int16_t kUnseen = -1, kOpen = -2;

  /// Returns the length in bytes of the longest entry below the unit at `place`, whose children are around
  /// `base`.
  int16_t heightOf(size_t place, uint32_t base, int depth) {
    if (depth > limits::kEntryBytes)
      base::throwOverLimit(m_origin, limits::kEntryBytes, "bytes in an entry", "more");
    m_heights[place] = kOpen;
    int16_t height = 0;
    for (uint32_t label = 1; label < 256; ++label) {
      const size_t child = base ^ label;
      if (child < m_units.size() && labelOf(m_units[child]) == label)
        height = std::max<int16_t>(height, static_cast<int16_t>(1 + visited(child, depth + 1)));
    }
    return m_heights[place] = height;
  }

  int16_t visited(size_t place, int depth) {
    if (m_heights[place] == kOpen)
      corrupt("entries that end", "a circle of units at " + std::to_string(place));
    if (m_heights[place] != kUnseen) {
      if (depth + m_heights[place] > limits::kEntryBytes)
        base::throwOverLimit(m_origin, limits::kEntryBytes, "bytes in an entry", "more");
      return m_heights[place];
    }
    const uint32_t unit = m_units[place];
    const auto base = static_cast<uint32_t>(place) ^ offsetOf(unit);
    if (hasValue(unit))
      checkValue(place, base);
    return heightOf(place, base, depth);
  }

  void checkValue(size_t place, uint32_t base) const {
    if (base >= m_units.size())
      corrupt("a value within " + std::to_string(m_units.size()) + " units",
              std::to_string(base) + " at unit " + std::to_string(place));
    const uint32_t value = valueOf(m_units[base]);
    if (value >= m_replacements.size())
      corrupt("a replacement within " + std::to_string(m_replacements.size()) + " bytes",
              std::to_string(value) + " at unit " + std::to_string(place));
    const std::string_view text =
        std::string_view(m_replacements).substr(value, limits::kReplacementBytes + 1);
    if (text.find('\0') != std::string_view::npos)
      return;
    if (text.size() <= limits::kReplacementBytes)
      corrupt("a zero byte at the end of each replacement", "none");
    base::throwOverLimit(m_origin, limits::kReplacementBytes, "bytes in a replacement", "more");
  }

  [[noreturn]] void corrupt(const std::string& expected, const std::string& found) const {
    throw Error(ErrorCode::Corrupt,
                m_origin + ": table of replacements: expected " + expected + ", found " + found);
  }

  const std::vector<uint32_t>& m_units;
  const std::string& m_replacements;
  const std::string& m_origin;
  std::vector<int16_t> m_heights; ///< indexed by unit
};

CharsMap::CharsMap(std::string_view bytes, const std::string& origin) {
  base::checkLimit(bytes.size(), limits::kCharsMapBytes, "bytes in a table of replacements", origin);
  uint32_t size = 0;
  if (bytes.size() >= sizeof(size))
    std::memcpy(&size, bytes.data(), sizeof(size));
  if (size == 0 || size % sizeof(uint32_t) != 0 || size > bytes.size() - sizeof(size))
    throw Error(ErrorCode::Corrupt, origin + ": the table of replacements claims " + std::to_string(size) +
                                        " bytes of a trie, found " + std::to_string(bytes.size()) +
                                        " in all");
  m_units.resize(size / sizeof(uint32_t));
  std::memcpy(m_units.data(), bytes.data() + sizeof(size), size);
  m_replacements = bytes.substr(sizeof(size) + size);
  const Check check(*this, origin);
}

CharsMap::Found CharsMap::longest(std::string_view text) const {
  Found found;
  uint32_t node = offsetOf(m_units[0]);
  for (size_t i = 0; i < text.size(); ++i) {
    const auto label = static_cast<uint8_t>(text[i]);
    node ^= label;
    if (label == 0 || node >= m_units.size() || labelOf(m_units[node]) != label)
      break;
    const uint32_t unit = m_units[node];
    node ^= offsetOf(unit);
    if (hasValue(unit))
      found = {i + 1, m_replacements.data() + valueOf(m_units[node])};
  }
  return found;
}

std::string CharsMap::apply(std::string_view text, base::Budget& budget, std::string_view field) const {
  std::string result;
  for (size_t at = 0; at < text.size();) {
    const Found found = longest(text.substr(at));
    const size_t length = found.length > 0 ? found.length : characterOrByte(text, at);
    const std::string_view part = found.length > 0 ? found.replacement : text.substr(at, length);
    budget.step(1 + length, field);
    budget.hold(part.size(), field);
    result += part;
    at += length;
  }
  return result;
}

} // namespace nibblesmith::tokenizer
