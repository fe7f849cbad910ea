// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "model/family.hpp"

#include <cstring>

namespace nibblesmith::model {

namespace {

/// Builds a tensor whose row `to` is row source(to) of `weight`; elements of a vector count as rows.
template <typename Source>
tensor::TensorView reordered(const tensor::TensorView& weight, int64_t unit, const char* what,
                             Source source) {
  const bool isVector = weight.shape.size() < 2;
  const int64_t rows = isVector ? weight.elements() : weight.rows();
  const uint64_t rowBytes = tensor::storageBytes(weight.dtype, isVector ? 1 : weight.cols());
  if (unit < 1 || rows % unit != 0 || weight.bytes.size() != rowBytes * static_cast<uint64_t>(rows))
    throw base::Error(base::ErrorCode::Corrupt, std::string(what) + ": expected a multiple of " +
                                                    std::to_string(unit) + " rows, found " +
                                                    weight.describe());
  auto ordered = std::make_shared<std::vector<std::byte>>(weight.bytes.size());
  for (int64_t to = 0; to < rows; ++to)
    std::memcpy(ordered->data() + static_cast<uint64_t>(to) * rowBytes,
                weight.bytes.data() + static_cast<uint64_t>(source(to)) * rowBytes, rowBytes);
  tensor::TensorView view = weight;
  view.bytes = *ordered;
  view.owner = std::move(ordered);
  return view;
}

} // namespace

tensor::TensorView toHalfSplitRows(const tensor::TensorView& weight, int64_t headDim) {
  const int64_t half = headDim / 2;
  if (headDim < 2 || headDim % 2 != 0)
    throw base::Error(base::ErrorCode::Corrupt,
                      "rotary rows: expected heads of an even number of rows, found " +
                          std::to_string(headDim));
  return reordered(weight, headDim, "rotary rows", [=](int64_t to) {
    const int64_t inHead = to % headDim;
    return to - inHead + 2 * (inHead % half) + inHead / half;
  });
}

tensor::TensorView toHeadRows(const tensor::TensorView& weight, int64_t headDim, int64_t heads) {
  return reordered(weight, 3 * headDim * heads, "fused rows", [=](int64_t to) {
    const int64_t group = to / headDim;
    return (group % 3 * heads + group / 3) * headDim + to % headDim;
  });
}

} // namespace nibblesmith::model
