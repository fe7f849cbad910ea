// SPDX-License-Identifier: Apache-2.0
#include "quantization/parameters.hpp"

#include "base/error.hpp"
#include "base/join.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

namespace nibblesmith::quantization {

namespace {

using base::Json;

std::string shown(const Json& value) { return base::briefJson(value); }

void requireKnownKeys(const Json& object, const std::set<std::string>& known, const std::string& origin) {
  if (!object.is_object())
    throw base::Error(base::ErrorCode::Corrupt, origin + ": expected an object, found " + shown(object));
  for (const auto& [key, value] : object.items())
    if (!known.contains(key))
      throw base::Error(base::ErrorCode::Corrupt, origin + ": unknown field '" + key + "'");
}

ParameterType typeFrom(const std::string& text, const std::string& origin) {
  if (text == "integer")
    return ParameterType::Integer;
  if (text == "number")
    return ParameterType::Number;
  if (text == "boolean")
    return ParameterType::Boolean;
  if (text == "choice")
    return ParameterType::Choice;
  throw base::Error(base::ErrorCode::Corrupt,
                    origin + ": 'type': expected integer, number, boolean or choice, found \"" + text + "\"");
}

MethodKind kindFrom(const std::string& text, const std::string& origin) {
  if (text == "rounding")
    return MethodKind::Rounding;
  if (text == "transform")
    return MethodKind::Transform;
  if (text == "grid")
    return MethodKind::Grid;
  if (text == "activations")
    return MethodKind::Activations;
  if (text == "kvCache")
    return MethodKind::KvCache;
  throw base::Error(base::ErrorCode::Corrupt,
                    origin +
                        ": 'kind': expected rounding, transform, grid, activations or "
                        "kvCache, found \"" +
                        text + "\"");
}

std::string numberText(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

std::string choicesText(const std::vector<Json>& choices) {
  std::string text;
  for (size_t i = 0; i < choices.size(); ++i)
    text += (i == 0 ? "" : i + 1 == choices.size() ? " or " : ", ") + shown(choices[i]);
  return text;
}

std::string rangeText(const Parameter& parameter) {
  const std::string noun = parameter.type == ParameterType::Integer ? "an integer" : "a number";
  if (parameter.minimum && parameter.maximum)
    return noun + " from " + numberText(*parameter.minimum) + " to " + numberText(*parameter.maximum);
  if (parameter.minimum)
    return noun + " of at least " + numberText(*parameter.minimum);
  return parameter.maximum ? noun + " of at most " + numberText(*parameter.maximum) : noun;
}

bool inRange(const Parameter& parameter, double value) {
  return std::isfinite(value) && (!parameter.minimum || value >= *parameter.minimum) &&
         (!parameter.maximum || value <= *parameter.maximum);
}

/// Returns the value in its canonical JSON type; empty if it does not match the declaration.
std::optional<Json> fitted(const Parameter& parameter, const Json& value) {
  const bool listed =
      parameter.choices.empty() ||
      std::find(parameter.choices.begin(), parameter.choices.end(), value) != parameter.choices.end();
  switch (parameter.type) {
  case ParameterType::Boolean:
    return value.is_boolean() ? std::optional(value) : std::nullopt;
  case ParameterType::Choice:
    return listed ? std::optional(value) : std::nullopt;
  case ParameterType::Number:
    if (!value.is_number() || !inRange(parameter, value.get<double>()))
      return std::nullopt;
    return Json(value.get<double>());
  case ParameterType::Integer: {
    if (!value.is_number())
      return std::nullopt;
    const double number = value.get<double>();
    // 2^53: largest magnitude that a JSON number represents exactly.
    if (!listed || !inRange(parameter, number) || std::abs(number) > 9007199254740992.0 ||
        number != std::floor(number))
      return std::nullopt;
    return Json(static_cast<int64_t>(number));
  }
  }
  return std::nullopt;
}

std::string expectedText(const Parameter& parameter) {
  if (parameter.type == ParameterType::Boolean)
    return "true or false";
  return parameter.choices.empty() ? rangeText(parameter) : choicesText(parameter.choices);
}

Parameter parameterFromJson(const Json& json, const std::string& origin) {
  requireKnownKeys(
      json,
      {"key", "type", "label", "help", "unit", "default", "minimum", "maximum", "choices", "appliesWhen"},
      origin);
  Parameter parameter;
  parameter.key = base::required<std::string>(json, "key", origin);
  const std::string where = origin + ", parameter '" + parameter.key + "'";
  parameter.type = typeFrom(base::required<std::string>(json, "type", where), where);
  parameter.label = base::required<std::string>(json, "label", where);
  parameter.help = base::required<std::string>(json, "help", where);
  parameter.unit = base::optional<std::string>(json, "unit", "", where);
  if (json.contains("minimum"))
    parameter.minimum = base::required<double>(json, "minimum", where);
  if (json.contains("maximum"))
    parameter.maximum = base::required<double>(json, "maximum", where);
  if (json.contains("choices")) {
    if (!json["choices"].is_array() || json["choices"].empty())
      base::throwJsonType(json, "choices", "an array of values", where);
    parameter.choices = json["choices"].get<std::vector<Json>>();
  } else if (parameter.type == ParameterType::Choice) {
    base::throwJsonType(json, "choices", "an array of values", where);
  }
  if (json.contains("appliesWhen")) {
    parameter.appliesWhen = json["appliesWhen"];
    if (!parameter.appliesWhen.is_object())
      base::throwJsonType(json, "appliesWhen", "an object", where);
  }
  const auto value = json.contains("default") ? fitted(parameter, json["default"]) : std::nullopt;
  if (!value)
    base::throwJsonType(json, "default", expectedText(parameter), where);
  parameter.defaultValue = *value;
  return parameter;
}

} // namespace

MethodDescription methodFromJson(const Json& json, const std::string& origin) {
  requireKnownKeys(json,
                   {"schema", "abi", "name", "kind", "label", "shortLabel", "help", "source",
                    "needsCalibration", "parameters"},
                   origin);
  if (const auto schema = base::required<int64_t>(json, "schema", origin); schema != 1)
    throw base::Error(base::ErrorCode::Corrupt,
                      origin + ": 'schema': expected 1, found " + std::to_string(schema));
  MethodDescription method;
  method.name = base::required<std::string>(json, "name", origin);
  if (method.name.empty() || method.name == "none")
    base::throwJsonType(json, "name", "a method's name", origin);
  method.kind = kindFrom(base::required<std::string>(json, "kind", origin), origin);
  method.label = base::required<std::string>(json, "label", origin);
  method.shortLabel = base::optional<std::string>(json, "shortLabel", method.label, origin);
  method.help = base::required<std::string>(json, "help", origin);
  method.source = base::optional<std::string>(json, "source", "", origin);
  if (json.contains("needsCalibration") && json["needsCalibration"].is_object()) {
    method.needsCalibration = true;
    method.calibrationWhen = json["needsCalibration"];
  } else {
    method.needsCalibration = base::optional<bool>(json, "needsCalibration", false, origin);
  }
  if (!json.contains("parameters") || !json["parameters"].is_array())
    base::throwJsonType(json, "parameters", "an array", origin);
  std::set<std::string> keys{"use"};
  for (const Json& entry : json["parameters"]) {
    method.parameters.push_back(parameterFromJson(entry, origin));
    if (!keys.insert(method.parameters.back().key).second)
      throw base::Error(base::ErrorCode::Corrupt, origin + ": parameter '" + method.parameters.back().key +
                                                      "' is declared twice or reserved");
  }
  for (const auto& [key, value] : method.calibrationWhen.items())
    if (key == "use" || !keys.contains(key))
      throw base::Error(base::ErrorCode::Corrupt,
                        origin + ": 'needsCalibration' names the unknown parameter '" + key + "'");
  for (const Parameter& parameter : method.parameters)
    for (const auto& [key, value] : parameter.appliesWhen.items())
      if (key == "use" || !keys.contains(key))
        throw base::Error(base::ErrorCode::Corrupt, origin + ", parameter '" + parameter.key +
                                                        "': 'appliesWhen' names the unknown parameter '" +
                                                        key + "'");
  return method;
}

bool meetsCondition(const Json& condition, const Json& values) {
  return std::all_of(condition.items().begin(), condition.items().end(), [&](const auto& entry) {
    const Json& wanted = entry.value();
    if (!values.contains(entry.key()))
      return true;
    const Json& value = values.at(entry.key());
    return wanted.is_array() ? std::find(wanted.begin(), wanted.end(), value) != wanted.end()
                             : wanted == value;
  });
}

bool needsCalibration(const MethodDescription& method, const Json& given) {
  return method.needsCalibration && meetsCondition(method.calibrationWhen, completeParameters(method, given));
}

Json completeParameters(const MethodDescription& method, const Json& given) {
  const auto refuse = [&](const std::string& key, const std::string& what) {
    throw base::Error(base::ErrorCode::InvalidArgument, method.name + ": '" + key + "': " + what);
  };
  if (!given.is_object())
    throw base::Error(base::ErrorCode::InvalidArgument,
                      method.name + ": expected an object of parameters, found " + shown(given));
  Json complete = Json::object();
  for (const Parameter& parameter : method.parameters) {
    complete[parameter.key] = parameter.defaultValue;
    if (!given.contains(parameter.key))
      continue;
    const auto value = fitted(parameter, given[parameter.key]);
    if (!value)
      refuse(parameter.key, "expected " + expectedText(parameter) + ", found " + shown(given[parameter.key]));
    complete[parameter.key] = *value;
  }
  for (const auto& [key, value] : given.items())
    if (!complete.contains(key)) {
      const std::string known = base::join(method.parameters, ", ", &Parameter::key);
      refuse(key, "unknown parameter; there " + std::string(known.empty() ? "are none" : "is " + known));
    }
  return complete;
}

} // namespace nibblesmith::quantization
