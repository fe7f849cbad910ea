// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/rotated_model.hpp"
#include "quantization/transform.hpp"

namespace nibblesmith::rotation {

/// Turns the residual stream and the attention heads by random Hadamard matrices, folded into the weights;
/// see model::rotated(). Nothing is left to do when the model runs. Source: Ashkboos et al. 2024, QuaRot
/// (arXiv 2404.00456).
class RotationTransform final : public quantization::Transform {
public:
  explicit RotationTransform(const model::RotationOptions& options) : m_options(options) {}

  bool needsHessian() const override { return false; }
  double cost(int64_t, int64_t, const quantization::Grid&) const override { return 0.0; }
  quantization::ChangedModel changeModel(std::shared_ptr<const model::Model> model) const override;
  tensor::Vector inputScales(const quantization::TransformProblem&, base::ThreadPool&,
                             const std::stop_token&) const override {
    return {};
  }

private:
  model::RotationOptions m_options;
};

/// From parameters completed after method.json.
model::RotationOptions rotationOptions(const base::Json& parameters);

} // namespace nibblesmith::rotation
