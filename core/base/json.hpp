// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace nibblesmith::base {

using Json = nlohmann::json;

/// Parses untrusted text in linear time. Rejects, naming `origin` and the field: invalid JSON, more than 64
/// levels of nesting, duplicate keys in an object, strings above 32 MiB, values that take more than 512 MiB
/// of memory. Throws Error{Corrupt}, Cancelled.
Json parseJson(std::string_view text, std::string_view origin, const std::stop_token& stop = {});
/// Parses a file of at most 256 MiB with parseJson(). Also throws Error{NotFound, InvalidArgument, Io}.
Json readJsonFile(const std::filesystem::path& path, const std::stop_token& stop = {});

/// Callback for one entry of an array or object; `key` is empty in an array. It may move from `value`.
using JsonEntryVisitor = std::function<void(const std::string& key, Json& value)>;

/// Parses one large array or object (`container`) and passes its entries to `visit` one by one in the order
/// of the text, so they need not fit in memory together. The limits of parseJson() apply to each entry.
/// Duplicate keys are passed twice. expected: description of the expected text for messages, such as "an
/// object of tensors". Throws like parseJson(), and whatever `visit` throws.
void forEachJsonEntry(std::string_view text, std::string_view origin, Json::value_t container,
                      std::string_view expected, const JsonEntryVisitor& visit,
                      const std::stop_token& stop = {});

/// Returns the value as JSON for a message, abbreviated to about 80 characters.
std::string briefJson(const Json& value);

/// Throws Error{Corrupt}: "<origin>: '<key>': expected <type>, found <value>".
[[noreturn]] void throwJsonType(const Json& object, std::string_view key, std::string_view expected,
                                std::string_view origin);

namespace detail {

template <typename T>
struct IsVector : std::false_type {};
template <typename T>
struct IsVector<std::vector<T>> : std::true_type {};

/// Returns true if the value is a number that fits T. A number written as 512.0 counts as an integer.
template <typename T>
bool holdsInteger(const Json& value) {
  if (value.is_number_unsigned())
    return std::in_range<T>(value.get<uint64_t>());
  if (value.is_number_integer())
    return std::in_range<T>(value.get<int64_t>());
  constexpr double kLimit = 9223372036854775808.0; // 2^63
  const double number = value.is_number_float() ? value.get<double>() : kLimit;
  return number >= -kLimit && number < kLimit && number == std::trunc(number) &&
         std::in_range<T>(static_cast<int64_t>(number));
}

template <typename T>
bool holds(const Json& value) {
  if constexpr (std::is_same_v<T, Json>)
    return true;
  else if constexpr (std::is_same_v<T, bool>)
    return value.is_boolean();
  else if constexpr (std::is_integral_v<T>)
    return holdsInteger<T>(value);
  else if constexpr (std::is_floating_point_v<T>)
    return value.is_number();
  else if constexpr (std::is_same_v<T, std::string>)
    return value.is_string();
  else if constexpr (IsVector<T>::value)
    return value.is_array() && std::all_of(value.begin(), value.end(), holds<typename T::value_type>);
  else
    static_assert(IsVector<T>::value, "a type that JSON has");
}

template <typename T>
constexpr std::string_view typeName() {
  if constexpr (std::is_same_v<T, Json>)
    return "a value";
  else if constexpr (std::is_same_v<T, bool>)
    return "true or false";
  else if constexpr (std::is_integral_v<T>)
    return "an integer";
  else if constexpr (std::is_floating_point_v<T>)
    return "a number";
  else if constexpr (std::is_same_v<T, std::string>)
    return "a string";
  else if constexpr (std::is_same_v<typename T::value_type, std::string>)
    return "an array of strings";
  else
    return "an array of numbers";
}

} // namespace detail

/// Returns object[key] as T: bool, an integer or floating-point type, std::string, a vector of these, or Json
/// for any value. Read untrusted fields only with this and optional(): Json's own at(), get() and value()
/// name neither file nor field in their errors. Throws Error{Corrupt} if the field is missing, has another
/// type, or does not fit T.
template <typename T>
T required(const Json& object, const std::string& key, std::string_view origin) {
  if (!object.is_object() || !object.contains(key) || !detail::holds<T>(object.at(key)))
    throwJsonType(object, key, detail::typeName<T>(), origin);
  return object.at(key).template get<T>();
}

/// Returns object[key] like required(), or `fallback` if the field is missing or null.
template <typename T>
T optional(const Json& object, const std::string& key, T fallback, std::string_view origin) {
  if (!object.is_object())
    return fallback;
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? fallback : required<T>(object, key, origin);
}

/// Returns object[key], an array or object, without copying. Throws Error{Corrupt}.
const Json& requiredArray(const Json& object, const std::string& key, std::string_view origin);
const Json& requiredObject(const Json& object, const std::string& key, std::string_view origin);

/// Returns object[key], an object, or an empty object if it is missing or null. Throws Error{Corrupt}.
const Json& optionalObject(const Json& object, const std::string& key, std::string_view origin);

} // namespace nibblesmith::base
