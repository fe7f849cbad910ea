// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/rotated_model.hpp"
#include "quantization/transform.hpp"

namespace nibblesmith::rotation {

/// Rotates the residual stream and the attention heads by random Hadamard matrices that are folded into the
/// weights; see model::rotated(). Adds no work at run time. Source: Ashkboos et al. 2024, QuaRot (arXiv
/// 2404.00456).
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

/// Reads complete parameters, see completeParameters() and method.json.
model::RotationOptions rotationOptions(const base::Json& parameters);

} // namespace nibblesmith::rotation
