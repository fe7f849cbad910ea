// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/grid.hpp"

#include <string_view>

namespace nibblesmith::quantization {

/// Options of BookGrid.
struct BookOptions {
  std::vector<float> book;      ///< 2^bits values indexed by code; the largest magnitude is 1
  int64_t groupSize = 64;       ///< 0: one group per row
  bool searchScale = false;     ///< search the scale with the least squared error instead of using max|w|
  bool powerOfTwoScale = false; ///< round scales to the nearest power of two (nearest exponent)
  bool nestedScales = false;    ///< quantize the scales once all are known (double quantization)
};

/// Grid with one code book for all groups: W ≈ f16(scale book[code]), scale = max|w| in f32, 0 for an
/// all-zero group. A weight gets the value nearest to w * (1 / scale), the lower of two equally near ones, as
/// in bitsandbytes. Source: Dettmers et al. 2023 (arXiv 2305.14314), section 3.
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
  std::vector<uint8_t> m_order;    ///< codes in ascending order of their values
  std::vector<float> m_thresholds; ///< midpoints between neighboring values, ascending
};

extern const std::string_view kNf4Json, kLogJson; ///< JSON of their MethodDescriptions
/// Derives the description of FP4, which has the same parameters, from that of NF4.
MethodDescription fp4Description(MethodDescription nf4);
/// Creates the grid. parameters: complete, see completeParameters().
std::unique_ptr<Grid> makeNf4Grid(const base::Json& parameters);
std::unique_ptr<Grid> makeFp4Grid(const base::Json& parameters);
std::unique_ptr<Grid> makeLogGrid(const base::Json& parameters);

} // namespace nibblesmith::quantization
