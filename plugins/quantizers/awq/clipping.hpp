// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/rounding.hpp"

namespace nibblesmith::awq {

/// Clips the weights of each group of each row to [-c, c], in place. Of ten values of c, from the group's
/// largest magnitude down to 0.55 of it, the one with the least d^T H_gg d is used. d is the difference
/// between the clipped weights on their nearest codes and the original weights; H_gg is the group's block of
/// the Hessian. W: [outFeatures, inFeatures]. Throws base::Error{Numerical}, base::Cancelled. Source: Lin et
/// al. 2023 (arXiv 2306.00978), section 3.2 and the paper's code, auto_clip.
void clip(tensor::Matrix& W, const quantization::Grid& grid, const tensor::Matrix& hessian,
          const std::string& name, base::ThreadPool& pool, const std::stop_token& stop);

/// Cost of clipping `weights` weights, if one fit of all groups costs `fits`, in f32 multiply-add
/// equivalents.
double clippingCost(double weights, double fits);

} // namespace nibblesmith::awq
