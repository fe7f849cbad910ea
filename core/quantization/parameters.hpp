// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"

#include <optional>
#include <string>
#include <vector>

namespace nibblesmith::quantization {

/// Type of a parameter's value; Choice is one of a list of values.
enum class ParameterType { Integer, Number, Boolean, Choice };

/// Parameter of a method as its JSON declares it. Form, CLI flags, validation and documentation are derived
/// from it.
struct Parameter {
  std::string key; ///< "dampFraction"; the CLI flag is --damp-fraction
  ParameterType type = ParameterType::Number;
  std::string label;
  std::string help;
  std::string unit;
  base::Json defaultValue;
  std::optional<double> minimum;
  std::optional<double> maximum;
  std::vector<base::Json> choices; ///< Choice: all values. Integer: suggested values.
  /// Condition { "otherKey": value or [values] } for the parameter to apply; empty: always.
  base::Json appliesWhen = base::Json::object();
};

/// Part of a recipe that a method belongs to.
enum class MethodKind { Rounding, Transform, Grid, Activations, KvCache };

/// Method as its JSON declares it.
struct MethodDescription {
  std::string name; ///< name in recipes: "gptq"
  MethodKind kind = MethodKind::Rounding;
  std::string label; ///< name in the user interface: "Round to nearest (RTN)"
  /// Name in lists of several methods: "RTN". The JSON contains it only if it differs from `label`.
  std::string shortLabel;
  std::string help;
  std::string source; ///< the paper
  bool needsCalibration = false;
  /// Parameter values that make calibration necessary: { "mode": "static" }; empty: always necessary. The
  /// JSON stores it in place of "needsCalibration": true.
  base::Json calibrationWhen = base::Json::object();
  std::vector<Parameter> parameters;
};

/// Returns true if `values`, a method's complete parameters, satisfy `condition`: { "key": value or [values]
/// }.
bool meetsCondition(const base::Json& condition, const base::Json& values);
/// Returns true if the method needs calibration with these parameters; omitted ones have their defaults.
bool needsCalibration(const MethodDescription& method, const base::Json& given);

/// Parses a method's JSON. Throws base::Error{Corrupt} with origin and field.
MethodDescription methodFromJson(const base::Json& json, const std::string& origin);

/// Returns all parameters of the method, with defaults for omitted ones. Throws base::Error{InvalidArgument}
/// with method and field for an unknown key, a wrong type, or a value out of range or not among the choices.
base::Json completeParameters(const MethodDescription& method, const base::Json& given);

} // namespace nibblesmith::quantization
