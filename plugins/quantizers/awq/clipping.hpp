// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/rounding.hpp"

namespace nibblesmith::awq {

/// Cuts the weights of each group of each row to [-c, c]: of ten c from the group's largest magnitude down to
/// 0.55 of it, the one with the least d^T H_gg d, d the difference between the cut weights on their nearest
/// codes and the weights, H_gg the group's part of the Hessian. W [outFeatures, inFeatures] in place. Source:
/// Lin et al. 2023 (arXiv 2306.00978), section 3.2 and the paper's code, auto_clip.
void clip(tensor::Matrix& W, const quantization::Grid& grid, const tensor::Matrix& hessian,
          const std::string& name, base::ThreadPool& pool, const std::stop_token& stop);

/// Multiply-adds for so many weights, of which one fit of all groups takes `fits`.
double clippingCost(double weights, double fits);

} // namespace nibblesmith::awq
