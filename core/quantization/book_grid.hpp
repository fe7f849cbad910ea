// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/grid.hpp"

#include <string_view>

namespace nibblesmith::quantization {

struct BookOptions {
  std::vector<float> book;      ///< 2^bits values, the largest magnitude 1, in the order of the codes
  int64_t groupSize = 64;       ///< 0: one group per row
  bool searchScale = false;     ///< least squared error over smaller scales instead of max|w|
  bool powerOfTwoScale = false; ///< scales are powers of two: the one nearest to max|w|, in the exponent
  bool nestedScales = false;    ///< scales are quantized once all are known
};

/// A code book shared by all groups: W ≈ f16(scale book[code]), scale = max|w| in f32, 0 for an all-zero
/// group. A weight takes the value nearest to w * (1 / scale), of two equally near ones the lower, as
/// bitsandbytes does. Source: Dettmers et al. 2023 (arXiv 2305.14314), section 3.
class BookGrid final : public Grid {
public:
  explicit BookGrid(BookOptions options);

  int bits() const override { return m_bits; }
  int64_t groupSize() const override { return m_options.groupSize; }
  std::span<const float> sharedBook() const override { return m_options.book; }
  bool hasNestedScales() const override { return m_options.nestedScales; }

  GroupParameters fit(std::span<const float> weights, std::span<const float> importance) const override;
  double fitCost(int64_t count) const override;
  uint8_t encode(float weight, const GroupParameters& group) const override;
  float decode(uint8_t code, const GroupParameters& group) const override;
  void roundMany(const float* weights, const WeightParameters& parameters, int64_t count, uint8_t* codes,
                 float* values) const override;

private:
  double squaredError(std::span<const float> weights, std::span<const float> importance, float scale) const;

  BookOptions m_options;
  int m_bits;
  std::vector<uint8_t> m_order;    ///< codes by ascending value
  std::vector<float> m_thresholds; ///< between neighbours in that order, ascending
};

extern const std::string_view kNf4Json, kLogJson; ///< their MethodDescriptions
/// FP4's, which takes the same parameters.
MethodDescription fp4Description(MethodDescription nf4);
/// parameters: complete.
std::unique_ptr<Grid> makeNf4Grid(const base::Json& parameters);
std::unique_ptr<Grid> makeFp4Grid(const base::Json& parameters);
std::unique_ptr<Grid> makeLogGrid(const base::Json& parameters);

} // namespace nibblesmith::quantization
