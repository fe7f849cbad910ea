// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "invocation.hpp"

namespace nibblesmith::nsmith {

/// --target-bits, --widths, --measure, --sequences, --tokens.
void addBitOptions(QCommandLineParser& parser);

/// Measures every layer, on the prompts of --calibration.
quantization::Sensitivity measuredSensitivity(const Invocation& call, const std::string& model,
                                              const quantization::Recipe& recipe);

/// --target-bits. Throws UsageError.
double targetBits(const Invocation& call);

} // namespace nibblesmith::nsmith
