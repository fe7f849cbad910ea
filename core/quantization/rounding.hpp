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

/// Data derived from a Hessian once, for all linears that share their input. Immutable; safe for concurrent
/// use.
class PreparedHessian {
public:
  virtual ~PreparedHessian() = default;
};

/// Linear layer to be rounded.
struct RoundingProblem {
  std::string name;
  const tensor::Matrix& weights; ///< [outFeatures, inFeatures]
  /// [inFeatures, inFeatures], 2/n X^T X over n calibration tokens; null without calibration.
  const tensor::Matrix* hessian;
  const Grid& grid;
  /// Result of prepare() for the same Hessian; null: round() calls it.
  const PreparedHessian* prepared = nullptr;
};

/// Rounded tensor, with the fallbacks that were necessary.
struct RoundingResult {
  tensor::QuantizedTensor tensor;
  std::vector<std::string> fallbacks; ///< texts: "damping raised to 0.04", "3 dead columns", ...
};

/// Method that chooses codes for weights. It uses grids only through their interface. Immutable; safe for
/// concurrent use.
class Rounding {
public:
  virtual ~Rounding() = default;
  /// Returns true if round() uses the Hessian.
  virtual bool needsHessian() const = 0;
  /// Returns the cost of round() for a linear of this shape without prepare(), in f32 multiply-add
  /// equivalents.
  virtual double cost(double outFeatures, double inFeatures) const;
  /// Computes the part of round() that depends only on the Hessian (GPTQ: ordering and factorization); null
  /// if there is none. name: used in messages. Throws base::Error{Numerical}, base::Cancelled.
  virtual std::shared_ptr<const PreparedHessian> prepare(const std::string& name,
                                                         const tensor::Matrix& hessian,
                                                         base::ThreadPool& pool,
                                                         const std::stop_token& stop) const;
  /// Rounds all weights of a linear. Throws base::Error{Numerical} with the tensor's name on NaN or infinity,
  /// base::Cancelled within 0.5 s of a stop request.
  virtual RoundingResult round(const RoundingProblem& problem, base::ThreadPool& pool,
                               const std::stop_token& stop) const = 0;
};

/// Allocates a tensor with the grid's layout for weights [outFeatures, inFeatures]. A group larger than a row
/// is reduced to the row.
tensor::QuantizedTensor emptyTensor(const Grid& grid, int64_t outFeatures, int64_t inFeatures);

/// Calls Grid::fit for group `group` of row `row`. Throws base::Error{Numerical} with the tensor's name if
/// the scale or a code book value exceeds f16.
GroupParameters fitGroup(const Grid& grid, std::span<const float> weights, std::span<const float> importance,
                         const std::string& name, int64_t row, int64_t group);

/// Writes the parameters into a tensor from emptyTensor(). Safe for concurrent calls on different rows.
void storeGroup(const GroupParameters& parameters, int64_t row, int64_t group,
                tensor::QuantizedTensor& tensor);
/// Returns the code book of a group that storeGroup() has written, or the shared one; null for affine grids.
const float* storedBook(const tensor::QuantizedTensor& tensor, int64_t row, int64_t group);

/// Rounds row `row` of a matrix, weights [inFeatures], to the grid's nearest values. Writes codes and
/// parameters into `tensor` (from emptyTensor()) and the dequantized values into values [inFeatures].
/// importance: [inFeatures] or empty. Throws like fitGroup().
void roundRowToNearest(const float* weights, const Grid& grid, std::span<const float> importance,
                       const std::string& name, int64_t row, tensor::QuantizedTensor& tensor, float* values);

/// Quantizes the scales of a finished tensor if the grid has nested scales; codes do not change. The engine
/// calls it on the result of Rounding::round().
void finishTensor(const Grid& grid, tensor::QuantizedTensor& tensor);

/// Returns a text for each way in which the grid's groups do not fit a row of inFeatures weights, for
/// RoundingResult::fallbacks.
std::vector<std::string> groupFallbacks(const Grid& grid, int64_t inFeatures);

/// Returns a short text: "4-bit group 128 symmetric", "8-bit per channel asymmetric", "NF4 group 64, 8-bit
/// scales", "learned 2-bit group 32".
std::string describeGrid(const Grid& grid);
/// Returns the same text for a finished tensor, with "group index" if it has one.
std::string describeTensor(const tensor::QuantizedTensor& tensor);

/// Catalog of available methods. The program fills it from plugins, tests from code.
class MethodCatalog {
public:
  virtual ~MethodCatalog() = default;
  /// Returns the descriptions of all methods.
  virtual std::vector<MethodDescription> methods() const = 0;
  /// Returns the description of one method. Throws base::Error{NotFound} with the recipe's field and the
  /// known names.
  MethodDescription find(MethodKind kind, const std::string& use) const;
  /// Creates a rounding. parameters: complete, see completeChoice(). Throws like find().
  virtual std::unique_ptr<Rounding> makeRounding(const std::string& use,
                                                 const base::Json& parameters) const = 0;
  /// Creates a transform, like makeRounding(). The default has no transforms.
  virtual std::unique_ptr<Transform> makeTransform(const std::string& use,
                                                   const base::Json& parameters) const;
};

} // namespace nibblesmith::quantization
