// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/kernels/kernels.hpp"
#include "runtime/linear.hpp"
#include "tensor/tensor_view.hpp"

#include <vector>

namespace nibblesmith::runtime {

/// What all linears of makeLinear() are: rows of weights in a format that the kernels know. A few tokens go
/// through kernels that read packed weights once; many through matrix products on unpacked tiles of rows.
class RowLinear : public Linear {
public:
  /// One matrix' part in a parallel loop.
  struct Task {
    const RowLinear* linear;
    const float* x; ///< [tokens, packedColumns], see arrangedInput()
    int64_t tokens;
    float* y;      ///< [tokens, outFeatures]
    int64_t begin; ///< rows
    int64_t end;
  };

  int64_t outFeatures() const final { return m_outFeatures; }
  int64_t inFeatures() const final { return m_inFeatures; }
  uint64_t weightBytes() const final { return m_weightBytes + m_bias.size() * sizeof(float); }
  void forward(const float* x, int64_t tokens, float* y, base::ThreadPool& pool) const final;

  /// The input with its columns in the order of the packed weights: x itself, or a copy in `buffer`.
  const float* arrangedInput(const float* x, int64_t tokens, std::vector<float>& buffer) const;
  void addTasks(const float* arranged, int64_t tokens, float* y, std::vector<Task>& tasks) const;
  static void run(const Task& task);

protected:
  RowLinear(int64_t outFeatures, int64_t inFeatures, const std::optional<tensor::TensorView>& bias);

  // Set by the constructors of the derived classes.
  kernels::Format m_format = kernels::kF32;
  kernels::Rows m_rows = {};
  uint64_t m_weightBytes = 0;
  std::vector<int32_t> m_sourceColumns; ///< of each packed column, -1: padding; empty: the same order

private:
  void runFew(const Task& task) const;
  void runMany(const Task& task) const;

  int64_t m_outFeatures;
  int64_t m_inFeatures;
  std::vector<float> m_bias;
};

/// An affine grid, packed densely.
std::unique_ptr<Linear> makeAffineLinear(const tensor::QuantizedTensor& weight,
                                         const std::optional<tensor::TensorView>& bias);
/// Code books, packed densely: weights are looked up.
std::unique_ptr<Linear> makeBookLinear(const tensor::QuantizedTensor& weight,
                                       const std::optional<tensor::TensorView>& bias);

} // namespace nibblesmith::runtime
