// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"
#include "quantization/parameters.hpp"
#include "tensor/quantized_tensor.hpp"

#include <memory>
#include <span>

namespace nibblesmith::quantization {

/// What fit() found for one group; storable exactly in an artifact (scale is an f16 value).
struct GroupParameters {
  float scale = 1;
  float zeroPoint = 0;  ///< a code
};

/// A set of values that weights are rounded onto. Knows no Hessian. Immutable, any thread.
class Grid {
public:
  virtual ~Grid() = default;
  virtual int bits() const = 0;
  virtual bool symmetric() const = 0;
  /// Along inFeatures; 0: one group per row.
  virtual int64_t groupSize() const = 0;

  /// Parameters for the weights of one group; importance (same size, or empty) weighs squared errors.
  virtual GroupParameters fit(std::span<const float> weights, std::span<const float> importance) const = 0;
  virtual uint8_t encode(float weight, const GroupParameters& group) const = 0;
  virtual float decode(uint8_t code, const GroupParameters& group) const = 0;
  /// encode() and decode() of `count` weights at once; weight i lies on the grid of scales[i], zeroPoints[i].
  virtual void roundMany(const float* weights, const float* scales, const float* zeroPoints, int64_t count,
                         uint8_t* codes, float* values) const;
};

/// Affine 2..8 bit; parameters bits, granularity (channel, group), groupSize, symmetric, scaleSearch
/// (minmax, mse). Codes round half to even. Source: Jacob et al. 2018 (arXiv 1712.05877), section 2.1.
const MethodDescription& affineGridDescription();

/// Throws base::Error{InvalidArgument} naming the field, {NotFound} for an unknown grid.
std::unique_ptr<Grid> makeGrid(const std::string& use, const base::Json& parameters);
std::vector<MethodDescription> gridDescriptions();

} // namespace nibblesmith::quantization
