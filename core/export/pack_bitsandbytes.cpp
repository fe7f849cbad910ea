// SPDX-License-Identifier: Apache-2.0
#include "export/pack_bitsandbytes.hpp"

#include "base/json.hpp"
#include "tensor/code_books.hpp"

#include <cstring>

namespace nibblesmith::exporting {

namespace {

template <typename T>
std::vector<std::byte> bytesOf(const T* values, int64_t count) {
  std::vector<std::byte> bytes(static_cast<size_t>(count) * sizeof(T));
  std::memcpy(bytes.data(), values, bytes.size());
  return bytes;
}

} // namespace

bool fitsBitsandbytes(const tensor::QuantizedTensor& weights) {
  return !weights.isAffine() && !weights.hasGroupBooks() && weights.groupIndex.empty() &&
         tensor::fitsBitsandbytes(weights.book(0, 0), weights.groupSize, weights.inFeatures);
}

std::string bitsandbytesType(const tensor::QuantizedTensor& weights) {
  return tensor::codeBookName(weights.book(0, 0)) == "NF4" ? "nf4" : "fp4";
}

std::vector<std::byte> packNibbles(const tensor::QuantizedTensor& weights) {
  std::vector<std::byte> bytes(weights.codes.size() / 2);
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::byte>(weights.codes[2 * i] << 4 | weights.codes[2 * i + 1]);
  return bytes;
}

std::vector<std::byte> packAbsmax(const tensor::QuantizedTensor& weights) {
  return weights.nestedScales
             ? bytesOf(weights.nestedScales->codes.data(), std::ssize(weights.nestedScales->codes))
             : bytesOf(weights.scales.data(), weights.scales.size());
}

std::vector<std::byte> packQuantMap(const tensor::QuantizedTensor& weights) {
  return bytesOf(weights.codeBooks.data(), weights.codeBooks.size());
}

std::vector<std::byte> packNestedAbsmax(const tensor::QuantizedTensor& weights) {
  return bytesOf(weights.nestedScales->absmax.data(), weights.nestedScales->absmax.size());
}

std::vector<std::byte> packNestedQuantMap(const tensor::QuantizedTensor&) {
  return bytesOf(tensor::dynamicMap().data(), std::ssize(tensor::dynamicMap()));
}

std::vector<std::byte> packQuantState(const tensor::QuantizedTensor& weights) {
  base::Json state = {{"quant_type", bitsandbytesType(weights)},
                      {"blocksize", weights.groupSize},
                      {"dtype", "float16"},
                      {"shape", {weights.outFeatures, weights.inFeatures}}};
  if (weights.nestedScales)
    state.update({{"nested_blocksize", tensor::NestedScales::kBlock},
                  {"nested_dtype", "float32"},
                  {"nested_offset", static_cast<double>(weights.nestedScales->offset)}});
  const std::string text = state.dump();
  return bytesOf(text.data(), std::ssize(text));
}

} // namespace nibblesmith::exporting
