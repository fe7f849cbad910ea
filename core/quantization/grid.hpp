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

/// What fit() found for one group; storable exactly.
struct GroupParameters {
  float scale = 1;              ///< affine grids: an f16 value
  float zeroPoint = 0;          ///< a code; affine grids alone
  std::vector<float> book = {}; ///< 2^bits ascending f16 values, where the grid has books of the groups' own
};

/// Where each of some weights lies: weight i on the grid of scales[i], zeroPoints[i] and, where the grid has
/// books of the groups' own, books[i] of 2^bits values. What a grid has no use for is not read.
struct WeightParameters {
  const float* scales = nullptr;
  const float* zeroPoints = nullptr;
  const float* const* books = nullptr;
};

/// A set of values that weights are rounded onto: scale * (code - zeroPoint), or scale * book[code] rounded
/// to f16; see tensor::QuantizedTensor. Knows no Hessian. Immutable, any thread.
class Grid {
public:
  virtual ~Grid() = default;
  virtual int bits() const = 0;
  /// Along inFeatures; 0: one group per row.
  virtual int64_t groupSize() const = 0;
  /// Of an affine grid: without stored zero points.
  virtual bool symmetric() const { return true; }
  /// The book of all groups; empty for affine grids and those with books of the groups' own.
  virtual std::span<const float> sharedBook() const { return {}; }
  virtual bool hasGroupBooks() const { return false; }
  /// Whether finishTensor() quantizes the scales; of grids with a shared book.
  virtual bool hasNestedScales() const { return false; }
  bool isAffine() const { return sharedBook().empty() && !hasGroupBooks(); }

  /// Parameters for the weights of one group; importance (same size, or empty) weighs squared errors. A scale
  /// that is not finite says that the weights are too large.
  virtual GroupParameters fit(std::span<const float> weights, std::span<const float> importance) const = 0;
  /// Work of one fit() of so many weights beyond a look at each, in multiply-adds that count alike in time.
  virtual double fitCost(int64_t) const { return 0; }
  virtual uint8_t encode(float weight, const GroupParameters& group) const = 0;
  virtual float decode(uint8_t code, const GroupParameters& group) const = 0;
  /// encode() and decode() of `count` weights at once.
  virtual void roundMany(const float* weights, const WeightParameters& parameters, int64_t count,
                         uint8_t* codes, float* values) const = 0;
  /// The same of weights that lie in one group.
  virtual void roundGroup(const float* weights, const GroupParameters& group, int64_t count, uint8_t* codes,
                          float* values) const;
};

/// Work of fitting the groups of a weight matrix once, in the multiply-adds of Grid::fitCost().
double fitsCost(const Grid& grid, int64_t outFeatures, int64_t inFeatures);

/// Throws base::Error{InvalidArgument} naming the field, {NotFound} for an unknown grid.
std::unique_ptr<Grid> makeGrid(const std::string& use, const base::Json& parameters);
/// "affine", "nf4", "fp4", "log", "learned".
std::vector<MethodDescription> gridDescriptions();
/// One of them. Throws base::Error{NotFound} naming what there is.
const MethodDescription& gridDescription(const std::string& use);

} // namespace nibblesmith::quantization
