// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/kernels/kernels.hpp"
#include "runtime/linear.hpp"
#include "tensor/activation_scheme.hpp"
#include "tensor/tensor_view.hpp"

#include <vector>

namespace nibblesmith::runtime {

/// What all linears of makeLinear() are: rows of weights in a format that the kernels know. A few tokens go
/// through kernels that read packed weights once; many through matrix products on unpacked tiles of rows.
class RowLinear : public Linear {
public:
  /// What the rows are multiplied with.
  struct Input {
    const float* values = nullptr; ///< [tokens, packedColumns]: the caller's, or those of `buffer`
    std::vector<float> buffer;
    tensor::RoundedInput codes; ///< in the place of values, where the products are of integers
  };
  /// One matrix' part in a parallel loop.
  struct Task {
    const RowLinear* linear;
    const Input* input;
    int64_t tokens;
    float* y;      ///< [tokens, outFeatures]
    int64_t begin; ///< rows
    int64_t end;
  };

  int64_t outFeatures() const final { return m_outFeatures; }
  int64_t inFeatures() const final { return m_inFeatures; }
  uint64_t weightBytes() const final { return m_weightBytes + m_bias.size() * sizeof(float); }
  void forward(const float* x, int64_t tokens, float* y, base::ThreadPool& pool) const final;

  /// Has the input rounded before every product; `name` is for messages. To be called before the first
  /// product.
  void setInputScheme(const tensor::ActivationScheme& scheme, const std::string& name);
  /// Rounds the input where a scheme says so, and brings its columns into the order of the packed weights.
  /// Throws base::Error{Numerical} where a value to be rounded is NaN or infinite.
  virtual void prepare(const float* x, int64_t tokens, Input& input, base::ThreadPool& pool) const;
  /// Whether prepare() of both gives the same.
  bool sharesInput(const RowLinear& other) const;
  void addTasks(const Input& input, int64_t tokens, float* y, std::vector<Task>& tasks) const;
  static void run(const Task& task);

protected:
  RowLinear(int64_t outFeatures, int64_t inFeatures, const std::optional<tensor::TensorView>& bias);
  /// The task's products, without the bias.
  virtual void multiply(const Task& task) const;
  /// The same with rows of weights in m_format, counted from the task's `begin`.
  void multiplyRows(const kernels::Rows& rows, const Task& task) const;
  const std::optional<tensor::ActivationScheme>& inputScheme() const { return m_scheme; }
  const std::string& name() const { return m_name; }

  // Set by the constructors of the derived classes.
  kernels::Format m_format = kernels::kF32;
  kernels::Rows m_rows = {};
  uint64_t m_weightBytes = 0;
  std::vector<int32_t> m_sourceColumns; ///< of each packed column, -1: padding; empty: the same order

private:
  /// Brings the input's columns into the order of the packed weights.
  void arrange(int64_t tokens, Input& input) const;
  void multiplyFew(const kernels::Rows& rows, const Task& task) const;
  void multiplyMany(const kernels::Rows& rows, const Task& task) const;

  int64_t m_outFeatures;
  int64_t m_inFeatures;
  std::vector<float> m_bias;
  std::optional<tensor::ActivationScheme> m_scheme;
  std::string m_name;
};

/// An affine grid, packed densely.
std::unique_ptr<RowLinear> makeAffineLinear(const tensor::QuantizedTensor& weight,
                                            const std::optional<tensor::TensorView>& bias);
/// Code books, packed densely: weights are looked up.
std::unique_ptr<RowLinear> makeBookLinear(const tensor::QuantizedTensor& weight,
                                          const std::optional<tensor::TensorView>& bias);

/// Whether a weight can be multiplied in integers: symmetric, 8 bits, one scale per row, and no sum that
/// leaves int32.
bool fitsInt8(const tensor::QuantizedTensor& weight);
/// Such a weight for inputs that are rounded by a scheme, which must be set: y = sx sw (sum of qx qw - zx sum
/// of qw), the sums in int32 and so exact; the same as with rounded inputs in f32 but for f32's rounding.
std::unique_ptr<RowLinear> makeInt8Linear(const tensor::QuantizedTensor& weight,
                                          const std::optional<tensor::TensorView>& bias);

} // namespace nibblesmith::runtime
