// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/grid.hpp"
#include "quantization/transform.hpp"
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

/// What a rounding derives from a Hessian once for all linears that share their input. Immutable, any thread.
class PreparedHessian {
public:
  virtual ~PreparedHessian() = default;
};

/// One linear layer to be rounded.
struct RoundingProblem {
  std::string name;
  const tensor::Matrix& weights; ///< [outFeatures, inFeatures]
  const tensor::Matrix*
      hessian; ///< [inFeatures, inFeatures], 2/n X^T X over n calibration tokens; null without calibration
  const Grid& grid;
  const PreparedHessian* prepared =
      nullptr; ///< of prepare() on the same Hessian; null: round() prepares it itself
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
  /// Work of round() for a linear of this shape without prepare()'s, in multiply-adds that count alike in
  /// time.
  virtual double cost(double outFeatures, double inFeatures) const;
  /// The part of round() that depends on the Hessian alone (GPTQ: ordering and factorization); null where
  /// there is none. `name` is for messages. Throws base::Error{Numerical}, base::Cancelled.
  virtual std::shared_ptr<const PreparedHessian> prepare(const std::string& name,
                                                         const tensor::Matrix& hessian,
                                                         base::ThreadPool& pool,
                                                         const std::stop_token& stop) const;
  /// Throws base::Error{Numerical} on NaN/Inf with the tensor's name, base::Cancelled within 0.5 s of a stop.
  virtual RoundingResult round(const RoundingProblem& problem, base::ThreadPool& pool,
                               const std::stop_token& stop) const = 0;
};

/// An unfilled tensor of the grid's layout for weights [outFeatures, inFeatures]; a group never exceeds a
/// row.
tensor::QuantizedTensor emptyTensor(const Grid& grid, int64_t outFeatures, int64_t inFeatures);

/// Grid::fit of group `group` in row `row`, checked: throws base::Error{Numerical} with the tensor's name
/// where the scale or a code book does not fit f16.
GroupParameters fitGroup(const Grid& grid, std::span<const float> weights, std::span<const float> importance,
                         const std::string& name, int64_t row, int64_t group);

/// Writes them into a tensor of emptyTensor(); different rows may be written at the same time.
void storeGroup(const GroupParameters& parameters, int64_t row, int64_t group,
                tensor::QuantizedTensor& tensor);
/// The book of a group that storeGroup() has written; null where the grid has no books of the groups' own.
const float* storedBook(const tensor::QuantizedTensor& tensor, int64_t row, int64_t group);

/// Row `row` of a weight matrix, `weights` [inFeatures], onto the grid's nearest values: into `tensor` (of
/// emptyTensor()) and, in f32, into `values` [inFeatures]. importance: [inFeatures] or empty. Throws as
/// fitGroup().
void roundRowToNearest(const float* weights, const Grid& grid, std::span<const float> importance,
                       const std::string& name, int64_t row, tensor::QuantizedTensor& tensor, float* values);

/// What is done once all of a tensor is rounded: scales are quantized where the grid has nested scales, with
/// the codes as they are. The engine calls it on what Rounding::round() gives.
void finishTensor(const Grid& grid, tensor::QuantizedTensor& tensor);

/// What the grid's groups do not fit of a row of inFeatures weights, in words; for RoundingResult::fallbacks.
std::vector<std::string> groupFallbacks(const Grid& grid, int64_t inFeatures);

/// "4-bit group 128 symmetric", "8-bit per channel asymmetric", "NF4 group 64, 8-bit scales", "learned 2-bit
/// group 32".
std::string describeGrid(const Grid& grid);
/// The same of a finished tensor, with "group index" where it has one.
std::string describeTensor(const tensor::QuantizedTensor& tensor);

/// The methods at hand; filled from plugins by the program, from code by tests.
class MethodCatalog {
public:
  virtual ~MethodCatalog() = default;
  virtual std::vector<MethodDescription> methods() const = 0;
  /// Throws base::Error{NotFound} naming the method and what there is, {InvalidArgument} on parameters.
  virtual std::unique_ptr<Rounding> makeRounding(const std::string& use,
                                                 const base::Json& parameters) const = 0;
  /// Likewise. A catalog without transforms need not say more.
  virtual std::unique_ptr<Transform> makeTransform(const std::string& use,
                                                   const base::Json& parameters) const;
};

} // namespace nibblesmith::quantization
