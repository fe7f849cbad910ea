// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/kernels/kernels.hpp"
#include "runtime/linear.hpp"
#include "tensor/activation_scheme.hpp"
#include "tensor/tensor_view.hpp"

#include <vector>

namespace nibblesmith::runtime {

/// Base of all linears of makeLinear(): rows of weights in a format that the kernels read. A few tokens go
/// through kernels that read the packed weights once. More tokens go through matrix products on dequantized
/// tiles of rows.
class RowLinear : public Linear {
public:
  /// Input of the products, prepared once and shared.
  struct Input {
    const float* values = nullptr; ///< [tokens, packed columns]: the caller's memory, or `buffer`
    std::vector<float> buffer;
    tensor::RoundedInput codes; ///< used instead of `values` for integer products
  };
  /// Range of rows of one linear, as a work item of the parallel loop.
  struct Task {
    const RowLinear* linear;
    const Input* input;
    int64_t tokens;
    float* y;      ///< [tokens, outFeatures]
    int64_t begin; ///< first row
    int64_t end;
  };

  int64_t outFeatures() const final { return m_outFeatures; }
  int64_t inFeatures() const final { return m_inFeatures; }
  uint64_t weightBytes() const final { return m_weightBytes + m_bias.size() * sizeof(float); }
  void forward(const float* x, int64_t tokens, float* y, base::ThreadPool& pool) const final;

  /// Quantizes the input before every product. Call it before the first product. name: used in messages.
  void setInputScheme(const tensor::ActivationScheme& scheme, const std::string& name);
  /// Quantizes the input if there is a scheme, and permutes its columns to the order of the packed weights.
  /// Throws base::Error{Numerical} if a value to be quantized is NaN or infinite.
  virtual void prepare(const float* x, int64_t tokens, Input& input, base::ThreadPool& pool) const;
  /// Returns true if prepare() gives the same input for both linears.
  bool sharesInput(const RowLinear& other) const;
  /// Appends the tasks that together compute y [tokens, outFeatures].
  void addTasks(const Input& input, int64_t tokens, float* y, std::vector<Task>& tasks) const;
  /// Computes one task, bias included.
  static void run(const Task& task);

protected:
  RowLinear(int64_t outFeatures, int64_t inFeatures, const std::optional<tensor::TensorView>& bias);
  /// Computes the products of a task without the bias.
  virtual void multiply(const Task& task) const;
  /// Computes the products of a task with weights in m_format, whose first row is the task's `begin`.
  void multiplyRows(const kernels::Rows& rows, const Task& task) const;
  const std::optional<tensor::ActivationScheme>& inputScheme() const { return m_scheme; }
  const std::string& name() const { return m_name; }

  // Members that the constructors of derived classes set.
  kernels::Format m_format = kernels::kF32;
  kernels::Rows m_rows = {};
  uint64_t m_weightBytes = 0;
  /// Source column of each packed column, -1: padding; empty: the original order.
  std::vector<int32_t> m_sourceColumns;

private:
  /// Permutes the input's columns to the order of the packed weights.
  void permuteColumns(int64_t tokens, Input& input) const;
  void multiplyFewTokens(const kernels::Rows& rows, const Task& task) const;
  void multiplyManyTokens(const kernels::Rows& rows, const Task& task) const;

  int64_t m_outFeatures;
  int64_t m_inFeatures;
  std::vector<float> m_bias;
  std::optional<tensor::ActivationScheme> m_scheme;
  std::string m_name;
};

/// Creates a linear for an affine grid, with densely packed codes.
std::unique_ptr<RowLinear> makeAffineLinear(const tensor::QuantizedTensor& weight,
                                            const std::optional<tensor::TensorView>& bias);
/// Creates a linear for code books, with densely packed codes and table lookup.
std::unique_ptr<RowLinear> makeBookLinear(const tensor::QuantizedTensor& weight,
                                          const std::optional<tensor::TensorView>& bias);

/// Returns true if the weight can be multiplied in int8: symmetric, 8 bits, one scale per row, and few enough
/// columns for int32 sums.
bool fitsInt8(const tensor::QuantizedTensor& weight);
/// Creates a linear that multiplies int8 codes of weights and inputs: y = sx sw (sum of qx qw - zx sum of
/// qw). The sums are exact in int32, so the result equals f32 products of the quantized inputs up to f32
/// rounding. An input scheme must be set.
std::unique_ptr<RowLinear> makeInt8Linear(const tensor::QuantizedTensor& weight,
                                          const std::optional<tensor::TensorView>& bias);

} // namespace nibblesmith::runtime
