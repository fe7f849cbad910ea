// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/grid.hpp"

#include <string_view>

namespace nibblesmith::quantization {

/// Options of AffineGrid.
struct AffineOptions {
  int bits = 4;            ///< 2..8
  int64_t groupSize = 128; ///< 0: one group per row
  bool symmetric = true;
  /// Search the clipping range with the least squared error instead of using the full range.
  bool searchScale = false;
};

/// Affine grid: W ≈ scale (q - zeroPoint), q in 0..2^bits - 1. The scale is rounded to f16 before any code is
/// computed. Symmetric: zeroPoint = 2^(bits-1) and scale = 2 max|w| / (2^bits - 1), as in GPTQ's code.
/// Asymmetric: the range min..max is extended to contain 0, which is then exact. Source: Jacob et al. 2018
/// (arXiv 1712.05877), section 2.1.
class AffineGrid final : public Grid {
public:
  explicit AffineGrid(const AffineOptions& options) : m_options(options) {}

  int bits() const override { return m_options.bits; }
  bool symmetric() const override { return m_options.symmetric; }
  int64_t groupSize() const override { return m_options.groupSize; }

  GroupParameters fit(std::span<const float> weights, std::span<const float> importance) const override;
  double fitCost(int64_t count) const override {
    // 80 candidates with one division per weight.
    return m_options.searchScale ? 80.0 * 55.0 * static_cast<double>(count) : 0.0;
  }
  uint8_t encode(float weight, const GroupParameters& group) const override;
  float decode(uint8_t code, const GroupParameters& group) const override;
  void roundMany(const float* weights, const WeightParameters& parameters, int64_t count, uint8_t* codes,
                 float* values) const override;
  void roundGroup(const float* weights, const GroupParameters& group, int64_t count, uint8_t* codes,
                  float* values) const override;

private:
  GroupParameters parametersFor(float minimum, float maximum) const;

  AffineOptions m_options;
};

extern const std::string_view kAffineJson; ///< JSON of its MethodDescription
/// Creates the grid. parameters: complete, see completeParameters().
std::unique_ptr<Grid> makeAffineGrid(const base::Json& parameters);

} // namespace nibblesmith::quantization
