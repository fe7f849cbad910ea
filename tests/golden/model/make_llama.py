# SPDX-License-Identifier: Apache-2.0
"""Writes llama/: a Llama with random weights (grouped heads, head_dim of its own, biases, untied head) and its logits.

Made with transformers 5.23.0 and torch 2.13.0: python make_llama.py
"""
import json
import pathlib

import torch
from transformers import LlamaConfig, LlamaForCausalLM

target = pathlib.Path(__file__).parent / "llama"
torch.manual_seed(20240607)
config = LlamaConfig(
    vocab_size=96, hidden_size=48, intermediate_size=80, num_hidden_layers=2, num_attention_heads=6,
    num_key_value_heads=2, head_dim=16, max_position_embeddings=128, rms_norm_eps=1e-5,
    rope_parameters={"rope_type": "default", "rope_theta": 500.0}, attention_bias=True, tie_word_embeddings=False,
    bos_token_id=1, eos_token_id=[2, 5])
model = LlamaForCausalLM(config)
with torch.no_grad():
    for name, parameter in model.named_parameters():
        scale = 0.1 if name.endswith("bias") else 0.2
        parameter.copy_(1 + scale * torch.randn_like(parameter) if "norm" in name else scale * torch.randn_like(parameter))
model.half().save_pretrained(target)

model = LlamaForCausalLM.from_pretrained(target, dtype=torch.float32, attn_implementation="eager").eval()
ids = [1] + torch.randint(6, 96, (39,)).tolist()
with torch.no_grad():
    logits = model(torch.tensor([ids])).logits[0]
expected = {"ids": ids, "logits": [[float(f"{value:.7g}") for value in row] for row in logits.tolist()]}
(target / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")
