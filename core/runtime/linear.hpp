// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/model.hpp"
#include "tensor/matrix.hpp"

#include <memory>
#include <span>

namespace nibblesmith::base {
class ThreadPool;
}

namespace nibblesmith::runtime {

/// Linear layer: y = x W^T + b. The input is quantized first if the weights have an ActivationScheme.
/// Immutable after construction; safe for concurrent use.
class Linear {
public:
  virtual ~Linear() = default;
  virtual int64_t outFeatures() const = 0;
  virtual int64_t inFeatures() const = 0;
  /// Number of bytes of the weights in memory, packed.
  virtual uint64_t weightBytes() const = 0;
  /// Computes y [tokens, outFeatures] from x [tokens, inFeatures], both dense row-major f32. The result does
  /// not depend on the size of the pool. A token's result does not depend on the other tokens, except with a
  /// dynamic per-tensor scheme. Throws base::Error{Numerical} with the layer's name if an input to be
  /// quantized is NaN or infinite.
  virtual void forward(const float* x, int64_t tokens, float* y, base::ThreadPool& pool) const = 0;
};

/// Format of weights in memory.
enum class WeightStorage {
  AsStored, ///< f16 stays f16 and quantized weights stay packed, as on a device
  Float32,  ///< Dequantized once, fastest for long evaluations. Weights multiplied as int8 stay packed.
};

/// Runs linears that share their input x [tokens, inFeatures] in one parallel loop. outputs[i]: [tokens,
/// linears[i]->outFeatures()]. The results equal those of forward().
void forwardTogether(std::span<const Linear* const> linears, const float* x, int64_t tokens,
                     std::span<float* const> outputs, base::ThreadPool& pool);

/// Creates the linear for a weight's format. Throws base::Error{Numerical} with the tensor if a weight or
/// scale is NaN or infinite, {NotSupported} for integer types, {Corrupt} if a quantized tensor is
/// inconsistent.
std::unique_ptr<Linear> makeLinear(const model::LinearWeights& weights, WeightStorage storage);

} // namespace nibblesmith::runtime
