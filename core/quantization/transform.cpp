// SPDX-License-Identifier: Apache-2.0
#include "quantization/transform.hpp"

namespace nibblesmith::quantization {

ChangedModel Transform::changeModel(std::shared_ptr<const model::Model> model) const {
  return {std::move(model), {}};
}

void Transform::adjustWeights(const TransformProblem&, base::ThreadPool&, const std::stop_token&) const {}

} // namespace nibblesmith::quantization
