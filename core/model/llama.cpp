// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "checkpoint/quantized_linear.hpp"
#include "model/family.hpp"

#include <algorithm>
#include <array>

namespace nibblesmith::model {

namespace {

using base::ErrorCode;
using tensor::TensorView;

constexpr std::array<std::string_view, 2> kHuggingFaceTypes = {"llama", "mistral"};
constexpr std::array<std::string_view, 1> kGgufTypes = {"llama"};

struct RoleNames {
  const char* huggingFace;
  const char* gguf;
};

/// In the order of LinearRole.
constexpr std::array<RoleNames, kLinearRoles> kRoles = {{{"self_attn.q_proj", "attn_q"},
                                                         {"self_attn.k_proj", "attn_k"},
                                                         {"self_attn.v_proj", "attn_v"},
                                                         {"self_attn.o_proj", "attn_output"},
                                                         {"mlp.gate_proj", "ffn_gate"},
                                                         {"mlp.up_proj", "ffn_up"},
                                                         {"mlp.down_proj", "ffn_down"}}};

std::string shapeText(const std::vector<int64_t>& shape) {
  std::string text;
  for (const int64_t size : shape)
    text += (text.empty() ? "[" : ", ") + std::to_string(size);
  return text + "]";
}

class LlamaModel final : public Model {
public:
  explicit LlamaModel(std::shared_ptr<const checkpoint::Checkpoint> checkpoint)
      : m_checkpoint(std::move(checkpoint)), m_gguf(m_checkpoint->format == checkpoint::Format::Gguf),
        m_config(readLlamaConfig(*m_checkpoint)) {
    checkConfig(m_config, configOrigin(*m_checkpoint));
    checkTensors();
  }

  const ModelConfig& config() const override { return m_config; }
  const checkpoint::Checkpoint& checkpoint() const override { return *m_checkpoint; }

  TensorView embedding() const override {
    return tensor(m_gguf ? "token_embd.weight" : "model.embed_tokens.weight",
                  {m_config.vocabularySize, m_config.hiddenSize});
  }
  TensorView finalNorm() const override {
    return tensor(m_gguf ? "output_norm.weight" : "model.norm.weight", {m_config.hiddenSize});
  }

  LinearWeights outputHead() const override {
    if (m_config.tiedEmbeddings)
      return {"lm_head", embedding(), std::nullopt};
    if (!m_gguf && checkpoint::isQuantizedLinear(*m_checkpoint, "lm_head")) {
      LinearWeights head{"lm_head", {}, std::nullopt};
      readQuantized("lm_head", m_config.vocabularySize, m_config.hiddenSize, head);
      return head;
    }
    return {
        "lm_head",
        tensor(m_gguf ? "output.weight" : "lm_head.weight", {m_config.vocabularySize, m_config.hiddenSize}),
        std::nullopt};
  }

  BlockWeights block(int64_t index) const override {
    if (index < 0 || index >= m_config.numLayers)
      throw base::Error(ErrorCode::InvalidArgument, "decoder block: expected 0 to " +
                                                        std::to_string(m_config.numLayers - 1) + ", found " +
                                                        std::to_string(index));
    BlockWeights block;
    block.attentionNorm = norm(index, m_gguf ? "attn_norm" : "input_layernorm");
    block.mlpNorm = norm(index, m_gguf ? "ffn_norm" : "post_attention_layernorm");
    for (int role = 0; role < kLinearRoles; ++role)
      block.linears.push_back(linear(index, static_cast<LinearRole>(role)));
    return block;
  }

private:
  std::string prefix(int64_t index) const {
    return (m_gguf ? "blk." : "model.layers.") + std::to_string(index) + ".";
  }
  std::string nameInFile(int64_t index, LinearRole role) const {
    const RoleNames& names = kRoles[static_cast<size_t>(role)];
    return prefix(index) + (m_gguf ? names.gguf : names.huggingFace);
  }
  std::pair<int64_t, int64_t> shape(LinearRole role) const {
    const int64_t queries = m_config.numHeads * m_config.headDim;
    const int64_t keys = m_config.numKeyValueHeads * m_config.headDim;
    switch (role) {
    case LinearRole::Query:
      return {queries, m_config.hiddenSize};
    case LinearRole::Key:
    case LinearRole::Value:
      return {keys, m_config.hiddenSize};
    case LinearRole::Output:
      return {m_config.hiddenSize, queries};
    case LinearRole::Gate:
    case LinearRole::Up:
      return {m_config.intermediateSize, m_config.hiddenSize};
    case LinearRole::Down:
      break;
    }
    return {m_config.hiddenSize, m_config.intermediateSize};
  }
  /// What every error about a tensor begins with.
  std::string where(const std::string& name) const {
    return m_checkpoint->path.string() + ": tensor '" + name + "'";
  }

  TensorView tensor(const std::string& name, const std::vector<int64_t>& expected) const {
    const TensorView& found = m_checkpoint->tensor(name);
    if (found.shape != expected)
      throw base::Error(ErrorCode::Corrupt, where(name) + ": expected shape " + shapeText(expected) +
                                                ", found " + found.describe());
    if (!tensor::isFloat(found.dtype) && !tensor::isBlockQuantized(found.dtype))
      throw base::Error(ErrorCode::NotSupported,
                        where(name) + ": expected floating-point or block-quantized weights, found " +
                            found.describe());
    return found;
  }
  TensorView norm(int64_t index, const std::string& name) const {
    return tensor(prefix(index) + name + ".weight", {m_config.hiddenSize});
  }
  /// Into weight and input of `result`.
  void readQuantized(const std::string& name, int64_t out, int64_t in, LinearWeights& result) const {
    checkpoint::QuantizedLinear linear = checkpoint::readQuantizedLinear(*m_checkpoint, name);
    const tensor::QuantizedTensor& weight = linear.weight;
    weight.validate(name);
    if (weight.outFeatures != out || weight.inFeatures != in)
      throw base::Error(ErrorCode::Corrupt, where(name) + ": expected shape " + shapeText({out, in}) +
                                                ", found " +
                                                shapeText({weight.outFeatures, weight.inFeatures}));
    result.weight = std::move(linear.weight);
    result.input = linear.input;
  }

  bool hasBias(LinearRole role, const std::string& name) const {
    if (m_gguf)
      return m_checkpoint->has(name + ".bias");
    const bool inAttention = static_cast<int>(role) <= static_cast<int>(LinearRole::Output);
    return base::optional<bool>(m_checkpoint->config, inAttention ? "attention_bias" : "mlp_bias", false,
                                configOrigin(*m_checkpoint));
  }

  LinearWeights linear(int64_t index, LinearRole role) const {
    const std::string name = nameInFile(index, role);
    const auto [out, in] = shape(role);
    LinearWeights result;
    result.name =
        "model.layers." + std::to_string(index) + "." + kRoles[static_cast<size_t>(role)].huggingFace;
    if (!m_gguf && checkpoint::isQuantizedLinear(*m_checkpoint, name))
      readQuantized(name, out, in, result);
    else
      result.weight = inHalfSplitOrder(tensor(name + ".weight", {out, in}), role);
    if (hasBias(role, name))
      result.bias = inHalfSplitOrder(tensor(name + ".bias", {out}), role);
    return result;
  }

  TensorView inHalfSplitOrder(TensorView view, LinearRole role) const {
    const bool rotary = role == LinearRole::Query || role == LinearRole::Key;
    return m_gguf && rotary ? toHalfSplitRows(view, m_config.headDim) : view;
  }

  /// Names and shapes of everything, so that a model that opens can be run. Costs no reading of weights.
  void checkTensors() const {
    embedding();
    finalNorm();
    if (!m_config.tiedEmbeddings && (m_gguf || !checkpoint::isQuantizedLinear(*m_checkpoint, "lm_head")))
      outputHead();
    for (int64_t index = 0; index < m_config.numLayers; ++index) {
      norm(index, m_gguf ? "attn_norm" : "input_layernorm");
      norm(index, m_gguf ? "ffn_norm" : "post_attention_layernorm");
      for (int i = 0; i < kLinearRoles; ++i) {
        const auto role = static_cast<LinearRole>(i);
        const std::string name = nameInFile(index, role);
        const auto [out, in] = shape(role);
        if (m_gguf || !checkpoint::isQuantizedLinear(*m_checkpoint, name))
          tensor(name + ".weight", {out, in});
        if (hasBias(role, name))
          tensor(name + ".bias", {out});
      }
    }
  }

  std::shared_ptr<const checkpoint::Checkpoint> m_checkpoint;
  bool m_gguf;
  ModelConfig m_config;
};

std::shared_ptr<const Model> openLlama(std::shared_ptr<const checkpoint::Checkpoint> checkpoint) {
  return std::make_shared<LlamaModel>(std::move(checkpoint));
}

} // namespace

const Family kLlamaFamily = {"llama", kHuggingFaceTypes, kGgufTypes, &openLlama};

} // namespace nibblesmith::model
