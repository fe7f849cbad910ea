// SPDX-License-Identifier: Apache-2.0
#include "runtime/row_linear.hpp"

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "runtime/kernels/dispatch.hpp"
#include "tensor/gemm.hpp"

#include <algorithm>
#include <memory>
#include <typeinfo>

namespace nibblesmith::runtime {

namespace {

/// Largest number of tokens for which reading packed weights beats dequantizing them for a matrix product.
constexpr int64_t kFewTokens = 8;
/// Weights per task: a few microseconds of work, and enough tasks for every thread.
constexpr int64_t kFewTaskWeights = 64 << 10;
/// Weights per tile of dequantized rows, which fits in the L2 cache of a core.
constexpr int64_t kTileWeights = 256 << 10;

int64_t rowsPerTask(int64_t tokens, int64_t columns) {
  if (tokens <= kFewTokens)
    return std::max<int64_t>(8, kFewTaskWeights / columns / 8 * 8);
  return std::clamp<int64_t>(kTileWeights / columns / 16 * 16, 16, 128);
}

/// Copies values that do not start at a cache line, so that no vector load crosses two lines.
void alignValues(int64_t count, RowLinear::Input& input) {
  constexpr size_t kLine = 64;
  if (reinterpret_cast<uintptr_t>(input.values) % kLine == 0)
    return;
  std::vector<float> aligned(static_cast<size_t>(count) + kLine / sizeof(float));
  void* at = aligned.data();
  size_t space = aligned.size() * sizeof(float);
  auto* values =
      static_cast<float*>(std::align(kLine, static_cast<size_t>(count) * sizeof(float), at, space));
  std::copy_n(input.values, count, values);
  input.buffer = std::move(aligned);
  input.values = values;
}

} // namespace

RowLinear::RowLinear(int64_t outFeatures, int64_t inFeatures, const std::optional<tensor::TensorView>& bias)
    : m_outFeatures(outFeatures), m_inFeatures(inFeatures) {
  if (!bias)
    return;
  if (bias->elements() != outFeatures)
    throw base::Error(base::ErrorCode::InvalidArgument,
                      "bias: expected " + std::to_string(outFeatures) + " values, found " + bias->describe());
  const tensor::Vector values = tensor::toVector(*bias);
  m_bias.assign(values.data(), values.data() + values.size());
  tensor::requireFinite(m_bias, outFeatures, "bias");
}

void RowLinear::forward(const float* x, int64_t tokens, float* y, base::ThreadPool& pool) const {
  const Linear* self = this;
  forwardTogether(std::span(&self, 1), x, tokens, std::span(&y, 1), pool);
}

void RowLinear::setInputScheme(const tensor::ActivationScheme& scheme, const std::string& name) {
  scheme.validate(name);
  m_scheme = scheme;
  m_name = name;
}

void RowLinear::prepare(const float* x, int64_t tokens, Input& input, base::ThreadPool& pool) const {
  input.values = x;
  if (m_scheme) {
    input.buffer.resize(static_cast<size_t>(tokens * m_inFeatures));
    tensor::roundInputValues(*m_scheme, x, tokens, m_inFeatures, m_name, input.buffer.data(), &pool);
    input.values = input.buffer.data();
  }
  if (!m_sourceColumns.empty())
    permuteColumns(tokens, input);
  if (tokens <= kFewTokens)
    alignValues(tokens * m_rows.columns, input);
}

void RowLinear::permuteColumns(int64_t tokens, Input& input) const {
  const size_t columns = m_sourceColumns.size();
  std::vector<float> permuted(static_cast<size_t>(tokens) * columns);
  for (int64_t t = 0; t < tokens; ++t) {
    const float* from = input.values + t * m_inFeatures;
    float* to = permuted.data() + static_cast<size_t>(t) * columns;
    for (size_t i = 0; i < columns; ++i)
      to[i] = m_sourceColumns[i] < 0 ? 0.0f : from[m_sourceColumns[i]];
  }
  input.buffer = std::move(permuted);
  input.values = input.buffer.data();
}

bool RowLinear::sharesInput(const RowLinear& other) const {
  return typeid(*this) == typeid(other) && m_inFeatures == other.m_inFeatures && m_scheme == other.m_scheme &&
         m_sourceColumns == other.m_sourceColumns;
}

void RowLinear::addTasks(const Input& input, int64_t tokens, float* y, std::vector<Task>& tasks) const {
  const int64_t step = rowsPerTask(tokens, m_rows.columns);
  for (int64_t begin = 0; begin < m_outFeatures; begin += step)
    tasks.push_back({this, &input, tokens, y, begin, std::min(begin + step, m_outFeatures)});
}

void RowLinear::run(const Task& task) {
  const RowLinear& linear = *task.linear;
  linear.multiply(task);
  if (linear.m_bias.empty())
    return;
  for (int64_t t = 0; t < task.tokens; ++t)
    for (int64_t o = task.begin; o < task.end; ++o)
      task.y[t * linear.m_outFeatures + o] += linear.m_bias[static_cast<size_t>(o)];
}

void RowLinear::multiply(const Task& task) const { multiplyRows(m_rows, task); }

void RowLinear::multiplyRows(const kernels::Rows& rows, const Task& task) const {
  if (task.tokens <= kFewTokens)
    multiplyFewTokens(rows, task);
  else
    multiplyManyTokens(rows, task);
}

void RowLinear::multiplyFewTokens(const kernels::Rows& rows, const Task& task) const {
  const kernels::ActivationRows input = {task.input->values, rows.columns, task.tokens, task.y,
                                         m_outFeatures};
  kernels::best().dot[m_format](rows, task.begin, task.end, input);
}

void RowLinear::multiplyManyTokens(const kernels::Rows& rows, const Task& task) const {
  const int64_t columns = rows.columns;
  const float* weights = nullptr;
  std::unique_ptr<float[]> tile;
  const uint8_t* at = rows.codes + task.begin * rows.rowBytes;
  if (m_format == kernels::kF32 && reinterpret_cast<uintptr_t>(at) % alignof(float) == 0) {
    weights = reinterpret_cast<const float*>(at);
  } else {
    tile = std::make_unique_for_overwrite<float[]>(static_cast<size_t>((task.end - task.begin) * columns));
    kernels::best().unpack[m_format](rows, task.begin, task.end, tile.get());
    weights = tile.get();
  }
  tensor::gemmNT(task.tokens, task.end - task.begin, columns, 1.0f, task.input->values, columns, weights,
                 columns, 0.0f, task.y + task.begin, m_outFeatures);
}

void forwardTogether(std::span<const Linear* const> linears, const float* x, int64_t tokens,
                     std::span<float* const> outputs, base::ThreadPool& pool) {
  if (tokens <= 0)
    return;
  std::vector<RowLinear::Input> inputs(linears.size());
  const RowLinear* prepared = nullptr;
  const RowLinear::Input* last = nullptr;
  std::vector<RowLinear::Task> tasks;
  for (size_t i = 0; i < linears.size(); ++i) {
    const auto* linear = dynamic_cast<const RowLinear*>(linears[i]);
    if (!linear) {
      linears[i]->forward(x, tokens, outputs[i], pool);
      continue;
    }
    if (!prepared || !linear->sharesInput(*prepared)) {
      linear->prepare(x, tokens, inputs[i], pool);
      prepared = linear;
      last = &inputs[i];
    }
    linear->addTasks(*last, tokens, outputs[i], tasks);
  }
  pool.parallelFor(static_cast<int64_t>(tasks.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      RowLinear::run(tasks[static_cast<size_t>(i)]);
  });
}

} // namespace nibblesmith::runtime
