// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"

#include <optional>
#include <string>
#include <vector>

namespace nibblesmith::quantization {

enum class ParameterType { Integer, Number, Boolean, Choice };

/// One parameter as declared in a method's JSON. Form, CLI flags, validation and documentation come from it.
struct Parameter {
  std::string key; ///< "dampFraction"; the flag is --damp-fraction
  ParameterType type = ParameterType::Number;
  std::string label;
  std::string help;
  std::string unit;
  base::Json defaultValue;
  std::optional<double> minimum;
  std::optional<double> maximum;
  std::vector<base::Json> choices; ///< Choice: the values; Integer: values offered, where not all of a range
  /// { "otherKey": value or [values] }: applies only then; empty: always.
  base::Json appliesWhen = base::Json::object();
};

enum class MethodKind { Rounding, Transform, Grid, Activations, KvCache };

/// A method as its JSON declares it.
struct MethodDescription {
  std::string name; ///< "gptq", what recipes call it
  MethodKind kind = MethodKind::Rounding;
  std::string label;      ///< "Round to nearest (RTN)"
  std::string shortLabel; ///< where names of several stand together: "RTN"; in JSON only where it is another
  std::string help;
  std::string source; ///< the paper
  bool needsCalibration = false;
  /// Values of parameters with which it does: { "mode": "static" }; empty: always. In JSON, in the place of
  /// "true".
  base::Json calibrationWhen = base::Json::object();
  std::vector<Parameter> parameters;
};

/// Whether `values`, a method's complete parameters, are those of `condition`: { "key": value or [values] }.
bool meetsCondition(const base::Json& condition, const base::Json& values);
/// Whether the method needs calibration text with these parameters; what is left out takes its default.
bool needsCalibration(const MethodDescription& method, const base::Json& given);

/// Throws base::Error{Corrupt} naming origin and field.
MethodDescription methodFromJson(const base::Json& json, const std::string& origin);

/// All parameters of the method with defaults filled in. Throws base::Error{InvalidArgument} naming method
/// and field: unknown key, wrong type, out of range, not one of the choices.
base::Json completeParameters(const MethodDescription& method, const base::Json& given);

} // namespace nibblesmith::quantization
