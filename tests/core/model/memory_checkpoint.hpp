// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/checkpoint.hpp"
#include "model/model.hpp"
#include "tensor/tensor_view.hpp"

#include <random>

namespace nibblesmith::test {

/// In-memory Llama with random f32 weights, as it would be read from either file format.
struct TinyLlama {
  int64_t hidden = 32;
  int64_t intermediate = 48;
  int64_t layers = 2;
  int64_t heads = 4;
  int64_t keyValueHeads = 2;
  int64_t headDim = 8;
  int64_t vocabulary = 40;
  bool tied = false;
  uint32_t seed = 7;

  base::Json huggingFaceConfig() const {
    return {{"model_type", "llama"},
            {"hidden_size", hidden},
            {"intermediate_size", intermediate},
            {"num_hidden_layers", layers},
            {"num_attention_heads", heads},
            {"num_key_value_heads", keyValueHeads},
            {"head_dim", headDim},
            {"vocab_size", vocabulary},
            {"max_position_embeddings", 640},
            {"rms_norm_eps", 1e-5},
            {"rope_theta", 1000.0},
            {"tie_word_embeddings", tied},
            {"bos_token_id", 1},
            {"eos_token_id", 2}};
  }

  base::Json ggufConfig() const {
    return {{"general.architecture", "llama"},
            {"llama.embedding_length", hidden},
            {"llama.feed_forward_length", intermediate},
            {"llama.block_count", layers},
            {"llama.attention.head_count", heads},
            {"llama.attention.head_count_kv", keyValueHeads},
            {"llama.attention.key_length", headDim},
            {"llama.attention.value_length", headDim},
            {"llama.context_length", 640},
            {"llama.attention.layer_norm_rms_epsilon", 1e-5},
            {"llama.rope.freq_base", 1000.0},
            {"tokenizer.ggml.bos_token_id", 1},
            {"tokenizer.ggml.eos_token_id", 2}};
  }

  std::shared_ptr<checkpoint::Checkpoint> huggingFace() const {
    auto made = std::make_shared<checkpoint::Checkpoint>();
    made->path = "/nowhere/tiny";
    made->config = huggingFaceConfig();
    std::mt19937 random(seed);
    const auto add = [&](const std::string& name, std::vector<int64_t> shape, float mean, float deviation) {
      std::normal_distribution<float> normal(mean, deviation);
      tensor::Matrix values(shape[0], shape.size() > 1 ? shape[1] : 1);
      for (int64_t i = 0; i < values.size(); ++i)
        values.data()[i] = normal(random);
      made->tensors[name] = tensor::ownedView(std::move(values));
      made->tensors[name].shape = std::move(shape);
    };
    add("model.embed_tokens.weight", {vocabulary, hidden}, 0, 1);
    add("model.norm.weight", {hidden}, 1, 0.1f);
    if (!tied)
      add("lm_head.weight", {vocabulary, hidden}, 0, 0.2f);
    for (int64_t layer = 0; layer < layers; ++layer) {
      const std::string prefix = "model.layers." + std::to_string(layer) + ".";
      add(prefix + "input_layernorm.weight", {hidden}, 1, 0.1f);
      add(prefix + "post_attention_layernorm.weight", {hidden}, 1, 0.1f);
      add(prefix + "self_attn.q_proj.weight", {heads * headDim, hidden}, 0, 0.2f);
      add(prefix + "self_attn.k_proj.weight", {keyValueHeads * headDim, hidden}, 0, 0.2f);
      add(prefix + "self_attn.v_proj.weight", {keyValueHeads * headDim, hidden}, 0, 0.2f);
      add(prefix + "self_attn.o_proj.weight", {hidden, heads * headDim}, 0, 0.2f);
      add(prefix + "mlp.gate_proj.weight", {intermediate, hidden}, 0, 0.2f);
      add(prefix + "mlp.up_proj.weight", {intermediate, hidden}, 0, 0.2f);
      add(prefix + "mlp.down_proj.weight", {hidden, intermediate}, 0, 0.2f);
    }
    return made;
  }

  /// Returns the same weights under GGUF names, with query and key rows in ggml's interleaved rotary order.
  std::shared_ptr<checkpoint::Checkpoint> gguf() const {
    const auto source = huggingFace();
    auto made = std::make_shared<checkpoint::Checkpoint>();
    made->path = "/nowhere/tiny.gguf";
    made->format = checkpoint::Format::Gguf;
    made->config = ggufConfig();
    made->tensors["token_embd.weight"] = source->tensor("model.embed_tokens.weight");
    made->tensors["output_norm.weight"] = source->tensor("model.norm.weight");
    if (!tied)
      made->tensors["output.weight"] = source->tensor("lm_head.weight");
    const std::pair<const char*, const char*> names[] = {
        {"input_layernorm", "attn_norm"}, {"post_attention_layernorm", "ffn_norm"},
        {"self_attn.q_proj", "attn_q"},   {"self_attn.k_proj", "attn_k"},
        {"self_attn.v_proj", "attn_v"},   {"self_attn.o_proj", "attn_output"},
        {"mlp.gate_proj", "ffn_gate"},    {"mlp.up_proj", "ffn_up"},
        {"mlp.down_proj", "ffn_down"}};
    for (int64_t layer = 0; layer < layers; ++layer)
      for (const auto& [from, to] : names) {
        auto view = source->tensor("model.layers." + std::to_string(layer) + "." + from + ".weight");
        const std::string name = to;
        if (name == "attn_q" || name == "attn_k")
          view = interleaved(view);
        made->tensors["blk." + std::to_string(layer) + "." + name + ".weight"] = view;
      }
    return made;
  }

  /// Permutes rows to the interleaved order: row 2i + s of a head is the half-split row s * headDim / 2 + i.
  tensor::TensorView interleaved(const tensor::TensorView& weight) const {
    const tensor::Matrix from = tensor::toMatrix(weight);
    tensor::Matrix to(from.rows(), from.cols());
    for (int64_t head = 0; head < from.rows(); head += headDim)
      for (int64_t i = 0; i < headDim / 2; ++i)
        for (int64_t s = 0; s < 2; ++s)
          to.row(head + 2 * i + s) = from.row(head + s * headDim / 2 + i);
    return tensor::ownedView(std::move(to));
  }
};

} // namespace nibblesmith::test
