// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/family.hpp"

#include <array>

/// Tensor names of Llama, which many later families share.
namespace nibblesmith::model {

/// Linear layers of a Llama-like block, with the biases of each part.
constexpr std::array<LinearEntry, 7> llamaLinears(Bias queryKeyValue, Bias output, Bias mlp) {
  return {{
      {LinearRole::Query, {"self_attn.q_proj", "attn_q"}, queryKeyValue},
      {LinearRole::Key, {"self_attn.k_proj", "attn_k"}, queryKeyValue},
      {LinearRole::Value, {"self_attn.v_proj", "attn_v"}, queryKeyValue},
      {LinearRole::Output, {"self_attn.o_proj", "attn_output"}, output},
      {LinearRole::Gate, {"mlp.gate_proj", "ffn_gate"}, mlp},
      {LinearRole::Up, {"mlp.up_proj", "ffn_up"}, mlp},
      {LinearRole::Down, {"mlp.down_proj", "ffn_down"}, mlp},
  }};
}

inline constexpr std::array<NormEntry, 2> kLlamaNorms = {{
    {NormRole::Attention, {"input_layernorm", "attn_norm"}},
    {NormRole::Mlp, {"post_attention_layernorm", "ffn_norm"}},
}};

} // namespace nibblesmith::model
