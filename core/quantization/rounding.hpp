// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/grid.hpp"
#include "tensor/matrix.hpp"
#include "tensor/quantized_tensor.hpp"

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

namespace nibblesmith::base {
class ThreadPool;
}

namespace nibblesmith::quantization {

/// One linear layer to be rounded.
struct RoundingProblem {
  std::string name;
  const tensor::Matrix& weights;  ///< [outFeatures, inFeatures]
  const tensor::Matrix* hessian;  ///< [inFeatures, inFeatures], 2/n X^T X over n calibration tokens; null without calibration
  const Grid& grid;
};

struct RoundingResult {
  tensor::QuantizedTensor tensor;
  std::vector<std::string> fallbacks; ///< in words: "damping raised to 0.04", "3 dead columns", ...
};

/// Chooses codes for weights. Knows no grid's insides. Immutable, any thread.
class Rounding {
public:
  virtual ~Rounding() = default;
  virtual bool needsHessian() const = 0;
  /// Throws base::Error{Numerical} on NaN/Inf with the tensor's name, base::Cancelled within 0.5 s of a stop.
  virtual RoundingResult round(const RoundingProblem& problem, base::ThreadPool& pool,
                               const std::stop_token& stop) const = 0;
};

/// The methods at hand; filled from plugins by the program, from code by tests.
class MethodCatalog {
public:
  virtual ~MethodCatalog() = default;
  virtual std::vector<MethodDescription> methods() const = 0;
  /// Throws base::Error{NotFound} naming the method and what there is, {InvalidArgument} on parameters.
  virtual std::unique_ptr<Rounding> makeRounding(const std::string& use, const base::Json& parameters) const = 0;
};

} // namespace nibblesmith::quantization
