// SPDX-License-Identifier: Apache-2.0
#include "model/model.hpp"

namespace nibblesmith::model {

namespace {

const tensor::TensorView* stored(const Weight& weight) {
  return std::get_if<tensor::TensorView>(&weight);
}
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

} // namespace nibblesmith::model
