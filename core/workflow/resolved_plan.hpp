// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/plan.hpp"
#include "workflow/services.hpp"

namespace nibblesmith::workflow {

/// Resolves a recipe with the methods of the plugins. Throws like quantization::makePlan(), and
/// base::Error{NotFound} if no plugin was loaded.
std::shared_ptr<const quantization::Plan> planFor(std::shared_ptr<const model::Model> model,
                                                  const quantization::Recipe& recipe,
                                                  const Services& services);

} // namespace nibblesmith::workflow
