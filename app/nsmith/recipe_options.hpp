// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "calibration/calibration_set.hpp"
#include "calibration/lint.hpp"
#include "invocation.hpp"
#include "quantization/recipe.hpp"

namespace nibblesmith::nsmith {

/// Adds --recipe, --method, the flags of every method's and grid's parameters, and those of the calibration.
void addRecipeOptions(QCommandLineParser& parser, const workflow::Services& services);

/// Adds the options for the calibration data; shared with the verb that checks the data.
void addCalibrationOptions(QCommandLineParser& parser);
/// Returns `given` with the values of all given flags.
calibration::CalibrationOptions calibrationFromOptions(const Invocation& call,
                                                       calibration::CalibrationOptions given);
/// Prints one line "warning: ..." per finding on standard error.
void printFindings(const std::vector<calibration::Finding>& findings);

/// Returns the recipe file, if one is given, with the values of all given flags.
quantization::Recipe recipeFromOptions(const Invocation& call);

/// Returns the name for a recipe derived from `original`: the value of --name; otherwise the name of the
/// original if both do the same; otherwise a name generated from the settings, different from the original's.
std::string nameOf(const Invocation& call, const quantization::Recipe& original,
                   const quantization::Recipe& recipe);

} // namespace nibblesmith::nsmith
