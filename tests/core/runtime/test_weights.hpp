// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensor/half.hpp"
#include "tensor/quantized_tensor.hpp"
#include "tensor/tensor_view.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <random>

namespace nibblesmith::test {

inline tensor::Matrix randomMatrix(int64_t rows, int64_t cols, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  tensor::Matrix values(rows, cols);
  for (int64_t i = 0; i < values.size(); ++i)
    values.data()[i] = normal(random);
  return values;
}

/// Returns random bytes that are valid weights of a type: block scales are small f16 numbers.
inline tensor::TensorView randomStored(tensor::DType dtype, int64_t rows, int64_t cols, uint32_t seed) {
  const tensor::Matrix values = randomMatrix(rows, cols, seed);
  if (dtype == tensor::DType::F32)
    return tensor::ownedView(values);
  // One extra byte and an odd address, because files promise no alignment.
  const uint64_t size = tensor::storageBytes(dtype, rows * cols);
  auto bytes = std::make_shared<std::vector<std::byte>>(size + 1);
  std::byte* out = bytes->data() + 1;
  std::mt19937 random(seed);
  if (tensor::isBlockQuantized(dtype)) {
    for (uint64_t i = 0; i < size; ++i)
      out[i] = static_cast<std::byte>(random() & 0xFF);
    const auto block = static_cast<uint64_t>(tensor::blockBytes(dtype));
    const auto [offset, halves] = tensor::blockScaleFields(dtype);
    for (uint64_t at = 0; at < size; at += block)
      for (int64_t half = 0; half < halves; ++half) {
        const uint16_t scale =
            tensor::f32ToF16(values.data()[at / block] * 0.1f * static_cast<float>(1 + half));
        std::memcpy(out + at + static_cast<uint64_t>(offset + 2 * half), &scale, 2);
      }
  } else if (tensor::isFloat8(dtype)) {
    // Exponents below the largest, which marks NaN and infinity.
    for (uint64_t i = 0; i < size; ++i)
      out[i] = static_cast<std::byte>(random() & 0xB7);
  } else {
    for (int64_t i = 0; i < values.size(); ++i) {
      const float value = values.data()[i];
      const uint16_t bits = dtype == tensor::DType::F16 ? tensor::f32ToF16(value) : tensor::f32ToBf16(value);
      std::memcpy(out + 2 * i, &bits, 2);
    }
  }
  return {dtype, {rows, cols}, std::span<const std::byte>(out, size), bytes};
}

struct GridShape {
  int64_t outFeatures = 37;
  int64_t inFeatures = 192;
  int bits = 4;
  int64_t groupSize = 64;
  bool symmetric = true;
  bool scattered = false; ///< group index as act-order produces it
};

inline tensor::QuantizedTensor randomGrid(const GridShape& shape, uint32_t seed) {
  std::mt19937 random(seed);
  tensor::QuantizedTensor weight;
  weight.outFeatures = shape.outFeatures;
  weight.inFeatures = shape.inFeatures;
  weight.bits = shape.bits;
  weight.groupSize = shape.groupSize;
  weight.symmetric = shape.symmetric;
  const auto levels = 1u << shape.bits;
  for (int64_t i = 0; i < shape.outFeatures * shape.inFeatures; ++i)
    weight.codes.push_back(static_cast<uint8_t>(random() % levels));
  weight.scales = randomMatrix(shape.outFeatures, weight.groups(), seed + 1);
  for (int64_t i = 0; i < weight.scales.size(); ++i) {
    weight.scales.data()[i] = tensor::roundToF16(0.01f + 0.01f * std::abs(weight.scales.data()[i]));
    weight.zeroPoints.push_back(static_cast<uint8_t>(shape.symmetric ? levels / 2 : random() % levels));
  }
  if (shape.scattered) {
    for (int64_t i = 0; i < shape.inFeatures; ++i)
      weight.groupIndex.push_back(static_cast<int32_t>(i / shape.groupSize));
    std::shuffle(weight.groupIndex.begin(), weight.groupIndex.end(), random);
  }
  return weight;
}

/// Returns random code books of 2^bits values, one shared or one per group, with groups as in randomGrid().
inline tensor::QuantizedTensor randomBooks(const GridShape& shape, bool own, uint32_t seed) {
  tensor::QuantizedTensor weight = randomGrid(shape, seed);
  weight.zeroPoints.clear();
  weight.codeBooks =
      0.5f * randomMatrix(own ? shape.outFeatures * weight.groups() : 1, int64_t{1} << shape.bits, seed + 2);
  if (own) {
    weight.scales.setOnes();
    weight.codeBooks = weight.codeBooks.unaryExpr([](float v) { return tensor::roundToF16(v); });
  } else {
    // Arbitrary f32 scales, and one so small that its weights are f16 subnormals.
    weight.scales *= 1.2345678f;
    weight.scales(0, 0) = 3e-6f;
  }
  return weight;
}

/// Largest |y - W x| relative to the sum of |w x|, in f64; the scale of f32 rounding errors.
inline double worstRelativeError(const tensor::Matrix& W, const tensor::Matrix& x, const tensor::Matrix& y) {
  double worst = 0;
  for (int64_t t = 0; t < x.rows(); ++t)
    for (int64_t o = 0; o < W.rows(); ++o) {
      double sum = 0;
      double magnitude = 1e-30;
      for (int64_t i = 0; i < W.cols(); ++i) {
        const double product = static_cast<double>(W(o, i)) * static_cast<double>(x(t, i));
        sum += product;
        magnitude += std::abs(product);
      }
      const double error = std::abs(static_cast<double>(y(t, o)) - sum) / magnitude;
      worst = error > worst || std::isnan(error) ? error : worst;
    }
  return worst;
}

/// Tolerance for sums of a few hundred f32 products, some in sequence: a few rounding steps of 6e-8.
inline constexpr double kF32Sum = 1e-6;

} // namespace nibblesmith::test
