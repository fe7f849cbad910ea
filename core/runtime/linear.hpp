// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/model.hpp"
#include "tensor/matrix.hpp"

#include <memory>

namespace nibblesmith::base {
class ThreadPool;
}

namespace nibblesmith::runtime {

/// y = x W^T + b for one weight matrix. Immutable after construction; any thread.
class Linear {
public:
  virtual ~Linear() = default;
  virtual int64_t outFeatures() const = 0;
  virtual int64_t inFeatures() const = 0;
  /// Bytes the weights take in memory, packed.
  virtual uint64_t weightBytes() const = 0;
  /// x [tokens, inFeatures] -> y [tokens, outFeatures], both dense row-major f32. The result does not depend
  /// on the pool's size, nor a row's result on the other rows.
  virtual void forward(const float* x, int64_t tokens, float* y, base::ThreadPool& pool) const = 0;
};

/// How weights are kept in memory.
enum class WeightStorage {
  AsStored, ///< f16 stays f16, quantized stays packed: what a device runs
  Float32,  ///< unpacked once: fastest for long evaluations
};

std::unique_ptr<Linear> makeLinear(const model::LinearWeights& weights, WeightStorage storage);

} // namespace nibblesmith::runtime
