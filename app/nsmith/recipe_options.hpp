// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "invocation.hpp"

namespace nibblesmith::nsmith {

/// --recipe, --method, the flags of every method's and grid's parameters, and the calibration's.
void addRecipeOptions(QCommandLineParser& parser, const workflow::Services& services);

/// Which calibration data is taken and how; shared with the verb that checks it.
void addCalibrationOptions(QCommandLineParser& parser);
/// `given`, with every flag on top.
calibration::CalibrationOptions calibrationFromOptions(const Invocation& call,
                                                       calibration::CalibrationOptions given);
/// "warning: ..." on standard error, one line per finding.
void printFindings(const std::vector<calibration::Finding>& findings);

/// The recipe file where one is given, with every flag given beside it on top.
quantization::Recipe recipeFromOptions(const Invocation& call);

/// What a recipe that was made from `original` is called: as --name says; as before where it does the same;
/// else by what it does, and never as the original.
std::string nameOf(const Invocation& call, const quantization::Recipe& original,
                   const quantization::Recipe& recipe);

} // namespace nibblesmith::nsmith
