// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"
#include "quantization/parameters.hpp"
#include "tensor/quantized_tensor.hpp"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace nibblesmith::quantization {

/// Parameters of one group as fit() found them, exactly as they are stored.
struct GroupParameters {
  float scale = 1;              ///< affine grids: representable in f16
  float zeroPoint = 0;          ///< affine grids only: a code
  std::vector<float> book = {}; ///< 2^bits ascending f16 values for per-group code books, else empty
};

/// Grid parameters per weight: weight i has scales[i], zeroPoints[i] and, for per-group code books, books[i]
/// with 2^bits values. Arrays that the grid does not use may be null.
struct WeightParameters {
  const float* scales = nullptr;
  const float* zeroPoints = nullptr;
  const float* const* books = nullptr;
};

/// Set of values that weights are rounded to: scale * (code - zeroPoint), or scale * book[code] rounded to
/// f16; see tensor::QuantizedTensor. Grids know nothing about Hessians. Immutable; safe for concurrent use.
class Grid {
public:
  virtual ~Grid() = default;
  /// Returns the number of bits per code.
  virtual int bits() const = 0;
  /// Returns the number of neighboring weights per group, along inFeatures; 0: one group per row.
  virtual int64_t groupSize() const = 0;
  /// Returns true if an affine grid has no stored zero points.
  virtual bool symmetric() const { return true; }
  /// Returns the code book of all groups; empty for affine grids and per-group code books.
  virtual std::span<const float> sharedBook() const { return {}; }
  /// Returns true if each group has its own code book.
  virtual bool hasGroupBooks() const { return false; }
  /// Returns true if finishTensor() quantizes the scales (double quantization); only with a shared code book.
  virtual bool hasNestedScales() const { return false; }
  bool isAffine() const { return sharedBook().empty() && !hasGroupBooks(); }

  /// Fits the parameters of one group. importance: weights of the squared errors, same size or empty. A
  /// non-finite scale in the result means that the weights are too large for f16.
  virtual GroupParameters fit(std::span<const float> weights, std::span<const float> importance) const = 0;
  /// Returns the cost of fit() on `count` weights, excluding the read, in f32 multiply-add equivalents.
  virtual double fitCost(int64_t) const { return 0; }
  /// Returns the code of the value nearest to `weight`.
  virtual uint8_t encode(float weight, const GroupParameters& group) const = 0;
  /// Returns the value of a code.
  virtual float decode(uint8_t code, const GroupParameters& group) const = 0;
  /// Encodes and decodes `count` weights with separate parameters each.
  virtual void roundMany(const float* weights, const WeightParameters& parameters, int64_t count,
                         uint8_t* codes, float* values) const = 0;
  /// Encodes and decodes `count` weights of one group.
  virtual void roundGroup(const float* weights, const GroupParameters& group, int64_t count, uint8_t* codes,
                          float* values) const;
};

/// Returns the cost of fitting all groups of a weight matrix once, in f32 multiply-add equivalents.
double totalFitCost(const Grid& grid, int64_t outFeatures, int64_t inFeatures);

/// Creates a grid from a recipe's parameters; omitted ones get their defaults. Throws
/// base::Error{InvalidArgument} with the field, {NotFound} for an unknown grid.
std::unique_ptr<Grid> makeGrid(const std::string& use, const base::Json& parameters);
/// Returns the descriptions of "affine", "nf4", "fp4", "log" and "learned".
std::vector<MethodDescription> gridDescriptions();
/// Returns the description of one grid. Throws base::Error{NotFound} with the known names.
const MethodDescription& gridDescription(const std::string& use);

} // namespace nibblesmith::quantization
