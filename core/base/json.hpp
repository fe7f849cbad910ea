// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.hpp"

#include <filesystem>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace nibblesmith::base {

using Json = nlohmann::json;

/// Parses text from outside: nesting is bounded (64 levels), a syntax error names `origin` and the byte.
/// Throws Error{Corrupt}.
Json parseJson(std::string_view text, std::string_view origin);
Json readJsonFile(const std::filesystem::path& path);

/// Throws Error{Corrupt}: "<origin>: '<key>': expected <type>, found <value>".
[[noreturn]] void throwJsonType(const Json& object, std::string_view key, std::string_view expected,
                                std::string_view origin);

namespace detail {

/// A number written as 512.0 is an integer too, where int64_t holds it.
inline bool isWhole(double value) {
  constexpr double kLimit = 9223372036854775808.0; // 2^63
  return value >= -kLimit && value < kLimit && value == static_cast<double>(static_cast<int64_t>(value));
}

template <typename T>
bool holds(const Json& value) {
  if constexpr (std::is_same_v<T, bool>)
    return value.is_boolean();
  else if constexpr (std::is_integral_v<T>)
    return value.is_number_integer() || (value.is_number_float() && isWhole(value.get<double>()));
  else if constexpr (std::is_floating_point_v<T>)
    return value.is_number();
  else if constexpr (std::is_same_v<T, std::string>)
    return value.is_string();
  else
    return true;
}

template <typename T>
constexpr std::string_view typeName() {
  if constexpr (std::is_same_v<T, bool>)
    return "true or false";
  else if constexpr (std::is_integral_v<T>)
    return "an integer";
  else if constexpr (std::is_floating_point_v<T>)
    return "a number";
  else if constexpr (std::is_same_v<T, std::string>)
    return "a string";
  else
    return "another type";
}

} // namespace detail

/// object[key] as T. Throws Error{Corrupt} where it is missing or of another type.
template <typename T>
T required(const Json& object, const std::string& key, std::string_view origin) {
  if (!object.is_object() || !object.contains(key) || !detail::holds<T>(object.at(key)))
    throwJsonType(object, key, detail::typeName<T>(), origin);
  return object.at(key).template get<T>();
}

/// object[key] as T, or `fallback` where it is missing or null. Throws Error{Corrupt} on another type.
template <typename T>
T optional(const Json& object, const std::string& key, T fallback, std::string_view origin) {
  if (!object.is_object() || !object.contains(key) || object.at(key).is_null())
    return fallback;
  return required<T>(object, key, origin);
}

} // namespace nibblesmith::base
