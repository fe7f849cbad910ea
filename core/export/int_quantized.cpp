// SPDX-License-Identifier: Apache-2.0
#include "export/int_quantized.hpp"

#include "tensor/half.hpp"

#include <algorithm>
#include <cstring>

namespace nibblesmith::exporting {

namespace {

/// Ratio of a row's largest magnitude to its scale in bitsandbytes.
constexpr float kLargestCode = 127.0f;

std::vector<std::byte> signedBytes(const std::vector<uint8_t>& codes, int bits) {
  const int middle = 1 << (bits - 1);
  std::vector<std::byte> bytes(codes.size());
  std::transform(codes.begin(), codes.end(), bytes.begin(), [middle](uint8_t code) {
    return static_cast<std::byte>(static_cast<int8_t>(code - middle));
  });
  return bytes;
}

} // namespace

std::vector<std::byte> signedCodes(const tensor::QuantizedTensor& weights) {
  return signedBytes(weights.codes, weights.bits);
}

std::vector<std::byte> signedZeroPoints(const tensor::QuantizedTensor& weights) {
  return signedBytes(weights.zeroPoints, weights.bits);
}

std::vector<std::byte> inputScale(const tensor::ActivationScheme& input) {
  const uint16_t half = tensor::f32ToF16(input.scale);
  std::vector<std::byte> bytes(sizeof(half));
  std::memcpy(bytes.data(), &half, sizeof(half));
  return bytes;
}

std::vector<std::byte> inputZeroPoint(const tensor::ActivationScheme& input) {
  return {static_cast<std::byte>(static_cast<int8_t>(input.zeroPoint))};
}

std::vector<std::byte> rowMagnitudes(const tensor::QuantizedTensor& weights) {
  const tensor::Matrix values = kLargestCode * weights.scales;
  std::vector<std::byte> bytes(static_cast<size_t>(values.size()) * sizeof(float));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

std::vector<std::byte> rowFormat(const tensor::QuantizedTensor&) { return {std::byte{0}}; }

} // namespace nibblesmith::exporting
