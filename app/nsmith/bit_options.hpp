// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "invocation.hpp"
#include "quantization/recipe.hpp"
#include "quantization/sensitivity.hpp"

namespace nibblesmith::nsmith {

/// Adds --target-bits, --widths, --measure, --sequences and --tokens.
void addBitOptions(QCommandLineParser& parser);

/// Measures the sensitivity of every layer on the prompts of --calibration.
quantization::Sensitivity measuredSensitivity(const Invocation& call, const std::string& model,
                                              const quantization::Recipe& recipe);

/// Returns the value of --target-bits. Throws UsageError.
double targetBits(const Invocation& call);

} // namespace nibblesmith::nsmith
