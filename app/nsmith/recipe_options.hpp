// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "invocation.hpp"

namespace nibblesmith::nsmith {

/// --recipe, --method, the flags of every method's and grid's parameters, and the calibration's.
void addRecipeOptions(QCommandLineParser& parser, const workflow::Services& services);

/// The recipe file where one is given, with every flag given beside it on top.
quantization::Recipe recipeFromOptions(const Invocation& call);

} // namespace nibblesmith::nsmith
