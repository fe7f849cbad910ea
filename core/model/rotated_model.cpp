// SPDX-License-Identifier: Apache-2.0
#include "model/rotated_model.hpp"

#include "base/error.hpp"
#include "tensor/half.hpp"
#include "tensor/rotation.hpp"

#include <cmath>
#include <cstring>
#include <mutex>

namespace nibblesmith::model {

namespace {

using tensor::DType;
using tensor::Matrix;
using tensor::Rotation;
using tensor::TensorView;

/// Converts to an f16 view that owns its bytes; throws if a value exceeds the f16 range.
TensorView f16View(const Matrix& values, const std::string& name) {
  auto owner = std::make_shared<std::vector<uint16_t>>(static_cast<size_t>(values.size()));
  for (int64_t i = 0; i < values.size(); ++i)
    if (!(std::abs(values.data()[i]) < 65520.0f))
      throw base::Error(base::ErrorCode::Numerical, "'" + name +
                                                        "', rotated: expected values that fit f16, found " +
                                                        std::to_string(values.data()[i]));
  tensor::f32ToF16(values.data(), owner->data(), values.size());
  TensorView view;
  view.dtype = DType::F16;
  view.shape = {values.rows(), values.cols()};
  view.bytes = std::as_bytes(std::span(*owner));
  view.owner = owner;
  return view;
}

class Rotated final : public Model {
public:
  Rotated(std::shared_ptr<const Model> source, const RotationOptions& options)
      : m_source(std::move(source)), m_options(options), m_config(m_source->config()),
        m_hidden(m_config.hiddenSize, options.seed), m_heads(m_config.headDim, options.seed + 1) {
    m_config.tiedEmbeddings = m_config.tiedEmbeddings && !options.hidden;
  }

  const Family& family() const override { return m_source->family(); }
  const ModelConfig& config() const override { return m_config; }
  const checkpoint::Checkpoint& checkpoint() const override { return m_source->checkpoint(); }
  const Rotation& hidden() const { return m_hidden; }
  const Rotation& heads() const { return m_heads; }

  TensorView embedding() const override {
    if (!m_options.hidden)
      return m_source->embedding();
    Matrix values = tensor::toMatrix(m_source->embedding());
    m_hidden.applyToRows(values);
    return stored(std::move(values), "model.embed_tokens");
  }

  NormWeights finalNorm() const override {
    NormWeights norm = m_source->finalNorm();
    if (m_options.hidden)
      norm.weight = ones();
    return norm;
  }

  LinearWeights outputHead() const override {
    LinearWeights head = m_source->outputHead();
    if (m_options.hidden)
      head.weight = stored(readHidden(head.weight, m_source->finalNorm().weight), head.name);
    return head;
  }

  BlockWeights block(int64_t index) const override {
    const std::scoped_lock lock(m_mutex);
    if (index != m_index) {
      m_block = rotatedBlock(index);
      m_index = index;
    }
    return m_block;
  }

private:
  TensorView stored(Matrix values, const std::string& name) const {
    return m_options.storage == DType::F16 ? f16View(values, name) : tensor::ownedView(std::move(values));
  }
  TensorView ones() const {
    TensorView view = stored(Matrix::Ones(1, m_config.hiddenSize), "norm");
    view.shape = {m_config.hiddenSize};
    return view;
  }

  /// Rotates a linear that reads the residual stream: (W diag(norm)) Q.
  Matrix readHidden(const Weight& weight, const TensorView& norm) const {
    Matrix W = toMatrix(weight);
    W.array().rowwise() *= tensor::toVector(norm).transpose().array();
    m_hidden.applyToRows(W);
    return W;
  }
  /// Rotates the bias, if there is one: b Q.
  void rotateBias(LinearWeights& linear, const Rotation& rotation) const {
    if (!linear.bias)
      return;
    Matrix bias = tensor::toVector(*linear.bias).transpose();
    rotation.applyToRows(bias);
    const std::vector<int64_t> shape = linear.bias->shape;
    linear.bias = stored(std::move(bias), linear.name + ".bias");
    linear.bias->shape = shape;
  }

  void rotateValue(LinearWeights& value, const TensorView& norm) const {
    Matrix W = m_options.hidden ? readHidden(value.weight, norm) : toMatrix(value.weight);
    if (m_options.heads) {
      m_heads.applyToColumns(W);
      rotateBias(value, m_heads);
    }
    value.weight = stored(std::move(W), value.name);
  }
  void rotateOutput(LinearWeights& output) const {
    Matrix W = toMatrix(output.weight);
    if (m_options.heads)
      m_heads.applyToRows(W);
    if (m_options.hidden) {
      m_hidden.applyToColumns(W);
      rotateBias(output, m_hidden);
    }
    output.weight = stored(std::move(W), output.name);
  }

  BlockWeights rotatedBlock(int64_t index) const {
    BlockWeights block = m_source->block(index);
    NormWeights& attentionNorm = *block.norm(NormRole::Attention);
    NormWeights& mlpNorm = *block.norm(NormRole::Mlp);
    rotateValue(block.linear(LinearRole::Value), attentionNorm.weight);
    rotateOutput(block.linear(LinearRole::Output));
    if (!m_options.hidden)
      return block;
    for (LinearWeights& linear : block.linears) {
      if (linear.role == LinearRole::Query || linear.role == LinearRole::Key)
        linear.weight = stored(readHidden(linear.weight, attentionNorm.weight), linear.name);
      if (linear.role == LinearRole::Gate || linear.role == LinearRole::Up)
        linear.weight = stored(readHidden(linear.weight, mlpNorm.weight), linear.name);
    }
    LinearWeights& down = block.linear(LinearRole::Down);
    Matrix W = toMatrix(down.weight);
    m_hidden.applyToColumns(W);
    rotateBias(down, m_hidden);
    down.weight = stored(std::move(W), down.name);
    attentionNorm.weight = ones();
    mlpNorm.weight = ones();
    return block;
  }

  std::shared_ptr<const Model> m_source;
  RotationOptions m_options;
  ModelConfig m_config;
  Rotation m_hidden;
  Rotation m_heads;
  /// Guards the cached block; callers often request the same block several times in a row.
  mutable std::mutex m_mutex;
  mutable int64_t m_index = -1;
  mutable BlockWeights m_block;
};

/// Requirement that the model does not meet, for the error message; empty if it meets all.
std::string unmetRequirement(const Model& model) {
  const ModelConfig& config = model.config();
  if (config.norm.kind != Norm::Kind::Rms || config.norm.offset != 0)
    return "RMS norms without offset";
  if (config.parallelBranches || model.positionTable())
    return "sequential branches and no learned positions";
  const BlockWeights block = model.block(0);
  if (!block.norm(NormRole::Attention) || !block.norm(NormRole::Mlp) || block.norm(NormRole::PostAttention) ||
      block.norm(NormRole::PostMlp))
    return "one norm before each branch and none after it";
  if (!block.find(LinearRole::Value) || block.find(LinearRole::GateUp))
    return "separate query, key, value, gate and up projections";
  return {};
}

} // namespace

RotatedModel rotated(std::shared_ptr<const Model> source, const RotationOptions& options) {
  const ModelConfig& config = source->config();
  if (const std::string requirement = unmetRequirement(*source); !requirement.empty())
    throw base::Error(base::ErrorCode::NotSupported, "rotation: expected " + requirement +
                                                         ", found a model of the family '" + config.family +
                                                         "', which has another structure");
  const auto model = std::make_shared<Rotated>(std::move(source), options);
  RotatedModel result{model, {}};
  const auto note = [&](const char* what, const Rotation& rotation) {
    if (!rotation.isHadamard())
      result.notes.push_back("rotation of " + std::string(what) + ": no Hadamard matrix of order " +
                             std::to_string(rotation.size()) +
                             " is known; a random orthogonal matrix is used instead");
  };
  if (options.hidden) {
    note("the residual stream", model->hidden());
    result.notes.push_back(
        config.tiedEmbeddings
            ? "rotation: the embedding is written as f16, and the output head becomes a separate matrix"
            : "rotation: embedding and output head are written as f16");
  }
  if (options.heads)
    note("the heads", model->heads());
  return result;
}

} // namespace nibblesmith::model
