// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "model/family.hpp"

#include <algorithm>
#include <cstring>

namespace nibblesmith::model {

namespace {

const tensor::TensorView* stored(const Weight& weight) { return std::get_if<tensor::TensorView>(&weight); }
const tensor::QuantizedTensor& affine(const Weight& weight) {
  return std::get<tensor::QuantizedTensor>(weight);
}

} // namespace

int64_t outFeatures(const Weight& weight) {
  const auto* view = stored(weight);
  return view ? view->rows() : affine(weight).outFeatures;
}

int64_t inFeatures(const Weight& weight) {
  const auto* view = stored(weight);
  return view ? view->cols() : affine(weight).inFeatures;
}

uint64_t storedBytes(const Weight& weight) {
  const auto* view = stored(weight);
  return view ? view->bytes.size() : affine(weight).packedBytes();
}

tensor::Matrix toMatrix(const Weight& weight) {
  const auto* view = stored(weight);
  return view ? tensor::toMatrix(*view) : affine(weight).dequantize();
}

const NormWeights* BlockWeights::norm(NormRole role) const {
  const auto found =
      std::find_if(norms.begin(), norms.end(), [&](const NormWeights& norm) { return norm.role == role; });
  return found == norms.end() ? nullptr : &*found;
}

const LinearWeights* BlockWeights::find(LinearRole role) const {
  const auto found = std::find_if(linears.begin(), linears.end(),
                                  [&](const LinearWeights& linear) { return linear.role == role; });
  return found == linears.end() ? nullptr : &*found;
}

const LinearWeights& BlockWeights::linear(LinearRole role) const {
  if (const LinearWeights* found = find(role))
    return *found;
  throw base::Error(base::ErrorCode::InvalidArgument,
                    "decoder block " + std::to_string(index) + ": expected a linear of role " +
                        std::to_string(static_cast<int>(role)) + ", found none");
}

tensor::TensorView transposed(const tensor::TensorView& matrix) {
  if (matrix.shape.size() != 2 || !tensor::isFloat(matrix.dtype))
    throw base::Error(base::ErrorCode::NotSupported,
                      "transposition: expected a matrix of floats, found " + matrix.describe());
  const auto size = static_cast<size_t>(tensor::blockBytes(matrix.dtype));
  const auto rows = static_cast<size_t>(matrix.rows()), cols = static_cast<size_t>(matrix.cols());
  auto bytes = std::make_shared<std::vector<std::byte>>(matrix.bytes.size());
  for (size_t r = 0; r < rows; ++r)
    for (size_t c = 0; c < cols; ++c)
      std::memcpy(bytes->data() + (c * rows + r) * size, matrix.bytes.data() + (r * cols + c) * size, size);
  return {matrix.dtype, {matrix.cols(), matrix.rows()}, *bytes, bytes};
}

} // namespace nibblesmith::model
