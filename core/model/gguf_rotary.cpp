// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "model/family.hpp"

#include <cstring>

namespace nibblesmith::model {

tensor::TensorView toHalfSplitRows(const tensor::TensorView& weight, int64_t headDim) {
  // A bias is a vector: each of its elements is a row.
  const bool isVector = weight.shape.size() < 2;
  const int64_t rows = isVector ? weight.elements() : weight.rows();
  const uint64_t rowBytes = tensor::storageBytes(weight.dtype, isVector ? 1 : weight.cols());
  if (headDim < 2 || headDim % 2 != 0 || rows % headDim != 0 ||
      weight.bytes.size() != rowBytes * static_cast<uint64_t>(rows))
    throw base::Error(base::ErrorCode::Corrupt, "rotary rows: expected heads of " + std::to_string(headDim) +
                                                    " rows, found " + weight.describe());
  auto ordered = std::make_shared<std::vector<std::byte>>(weight.bytes.size());
  for (int64_t to = 0; to < rows; ++to) {
    const int64_t inHead = to % headDim;
    const int64_t half = headDim / 2;
    const int64_t from = to - inHead + 2 * (inHead % half) + inHead / half;
    std::memcpy(ordered->data() + static_cast<uint64_t>(to) * rowBytes,
                weight.bytes.data() + static_cast<uint64_t>(from) * rowBytes, rowBytes);
  }
  tensor::TensorView view = weight;
  view.bytes = *ordered;
  view.owner = std::move(ordered);
  return view;
}

} // namespace nibblesmith::model
