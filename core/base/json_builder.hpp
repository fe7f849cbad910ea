// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/budget.hpp"
#include "base/json.hpp"

#include <vector>

namespace nibblesmith::base {

/// Entries of the outermost array or object that are passed to a visitor instead of being kept.
struct JsonEntries {
  Json::value_t container;   ///< object or array
  std::string_view expected; ///< description of the expected text, for messages
  const JsonEntryVisitor& visit;
};

/// Builds JSON values from nlohmann's parser events in linear time. Rejects deep nesting, high memory use and
/// duplicate keys while parsing.
class JsonBuilder final : public nlohmann::json_sax<Json> {
public:
  /// Creates a builder. entries: null to build the whole text as one value.
  JsonBuilder(std::string_view origin, const std::stop_token& stop, const JsonEntries* entries);

  Json takeResult() { return std::move(m_root); }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override;
  bool binary(binary_t&) override { return false; } // not possible in JSON text
  bool start_object(size_t) override { return start(Json::value_t::object); }
  bool key(string_t& key) override;
  bool end_object() override { return end(); }
  bool start_array(size_t) override { return start(Json::value_t::array); }
  bool end_array() override { return end(); }
  bool parse_error(size_t, const std::string&, const Json::exception& failure) override;

private:
  /// Array or object that is still open.
  struct Level {
    Json* container;
    Json* slot = nullptr;             ///< next value, in an object
    const std::string* key = nullptr; ///< key of that value, in an object
  };

  bool add(Json value);
  bool start(Json::value_t type);
  bool end();
  Json* place(Json value);
  void take(uint64_t bytes);
  bool isEntry() const { return m_entries && m_levels.size() == 1; }
  void handOver();
  /// Returns the parser's position: "model.vocab[3]".
  std::string field() const { return fieldOf(m_levels.size()); }
  /// Returns the position within the outermost `levels` levels.
  std::string fieldOf(size_t levels) const;

  std::string m_origin;
  const JsonEntries* m_entries;
  Budget m_budget;
  Json m_root;
  std::vector<Level> m_levels;
  std::string m_entryKey;
  uint64_t m_entriesSoFar = 0;
  Json m_entry;
};

} // namespace nibblesmith::base
