// SPDX-License-Identifier: Apache-2.0
#include "workflow/resolved_plan.hpp"

#include "base/error.hpp"

namespace nibblesmith::workflow {

std::shared_ptr<const quantization::Plan> planFor(std::shared_ptr<const model::Model> model,
                                                  const quantization::Recipe& recipe,
                                                  const Services& services) {
  if (!services.methods)
    throw base::Error(base::ErrorCode::NotFound, "no quantization methods: no plugin was loaded");
  return quantization::makePlan(std::move(model), recipe, *services.methods);
}

} // namespace nibblesmith::workflow
