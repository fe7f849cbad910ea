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

/// y = x W^T + b for one weight matrix, x rounded first where the weights come with an ActivationScheme.
/// Immutable after construction; any thread.
class Linear {
public:
  virtual ~Linear() = default;
  virtual int64_t outFeatures() const = 0;
  virtual int64_t inFeatures() const = 0;
  /// Bytes the weights take in memory, packed.
  virtual uint64_t weightBytes() const = 0;
  /// x [tokens, inFeatures] -> y [tokens, outFeatures], both dense row-major f32. The result does not depend
  /// on the pool's size, nor a row's result on the other rows, unless its scheme is dynamic with one scale
  /// per tensor. Throws base::Error{Numerical} naming the layer where an input to be rounded is NaN or
  /// infinite.
  virtual void forward(const float* x, int64_t tokens, float* y, base::ThreadPool& pool) const = 0;
};

/// How weights are kept in memory.
enum class WeightStorage {
  AsStored, ///< f16 stays f16, quantized stays packed: what a device runs
  Float32,  ///< unpacked once: fastest for long evaluations; what is multiplied in integers stays packed
};

/// Runs linears that share their input in one parallel loop: outputs[i] is [tokens,
/// linears[i]->outFeatures()]. The results are those of their forward().
void forwardTogether(std::span<const Linear* const> linears, const float* x, int64_t tokens,
                     std::span<float* const> outputs, base::ThreadPool& pool);

/// Throws base::Error{Numerical} naming the tensor where a weight or scale is NaN or infinite,
/// {NotSupported} for integer types, {Corrupt} where a quantized tensor does not fit together.
std::unique_ptr<Linear> makeLinear(const model::LinearWeights& weights, WeightStorage storage);

} // namespace nibblesmith::runtime
