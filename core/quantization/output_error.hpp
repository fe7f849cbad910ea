// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensor/matrix.hpp"

#include <stop_token>

namespace nibblesmith::base {
class ThreadPool;
}

namespace nibblesmith::quantization {

/// sqrt(tr(dW H dW^T) / tr(W H W^T)) with dW = rounded - W: the layer's output error on the calibration inputs, relative
/// to its outputs. W, rounded [outFeatures, inFeatures], H [inFeatures, inFeatures]; 0 where the outputs are all 0.
/// Throws base::Cancelled.
double relativeOutputError(const tensor::Matrix& W, const tensor::Matrix& rounded, const tensor::Matrix& H,
                           base::ThreadPool& pool, const std::stop_token& stop);

} // namespace nibblesmith::quantization
