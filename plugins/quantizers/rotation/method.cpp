// SPDX-License-Identifier: Apache-2.0
#include "method.hpp"

namespace nibblesmith::rotation {

quantization::ChangedModel RotationTransform::changeModel(std::shared_ptr<const model::Model> model) const {
  model::RotatedModel result = model::rotated(std::move(model), m_options);
  return {std::move(result.model), std::move(result.notes)};
}

model::RotationOptions rotationOptions(const base::Json& parameters) {
  model::RotationOptions options;
  options.hidden = parameters.at("rotateHidden").get<bool>();
  options.heads = parameters.at("rotateHeads").get<bool>();
  options.seed = parameters.at("rotationSeed").get<uint64_t>();
  return options;
}

} // namespace nibblesmith::rotation
