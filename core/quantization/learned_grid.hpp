// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/grid.hpp"

#include <string_view>

namespace nibblesmith::quantization {

/// Returns at most `clusters` ascending values that minimize the sum of importance * (value - nearest)^2:
/// weighted k-means in one dimension. The optimum is exact: clusters are intervals of the sorted values,
/// found by dynamic programming in O(clusters n log n). Values with importance 0 are ignored; if all are 0 or
/// importance is empty, all values count equally. Source: Wang and Song 2011 (The R Journal 3/2), with the
/// divide and conquer of Gronlund et al. 2017 (arXiv 1701.07204, section 2.3).
std::vector<float> weightedKMeans(std::span<const float> values, std::span<const float> importance,
                                  int clusters);

/// Grid with a code book per group, learned from its weights: W = book[code]. Values are rounded to f16; a
/// weight gets the nearest one, the lower of two equally near ones. Source: Kim et al. 2023, SqueezeLLM
/// (arXiv 2306.07629), section 4.1. Deviations: the diagonal of the output error's Hessian replaces the
/// Fisher information, and exact clustering replaces Lloyd's.
class LearnedGrid final : public Grid {
public:
  /// groupSize 0: one group per row.
  LearnedGrid(int bits, int64_t groupSize) : m_bits(bits), m_groupSize(groupSize) {}

  int bits() const override { return m_bits; }
  int64_t groupSize() const override { return m_groupSize; }
  bool hasGroupBooks() const override { return true; }

  GroupParameters fit(std::span<const float> weights, std::span<const float> importance) const override;
  double fitCost(int64_t count) const override;
  uint8_t encode(float weight, const GroupParameters& group) const override;
  float decode(uint8_t code, const GroupParameters& group) const override;
  void roundMany(const float* weights, const WeightParameters& parameters, int64_t count, uint8_t* codes,
                 float* values) const override;

private:
  int m_bits;
  int64_t m_groupSize;
};

extern const std::string_view kLearnedJson; ///< JSON of its MethodDescription
/// Creates the grid. parameters: complete, see completeParameters().
std::unique_ptr<Grid> makeLearnedGrid(const base::Json& parameters);

} // namespace nibblesmith::quantization
