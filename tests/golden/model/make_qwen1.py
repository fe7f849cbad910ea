# SPDX-License-Identifier: Apache-2.0
"""Writes qwen1/: a tiny model in the shape of Qwen (1), and some of its logits, as make_families.py does for the others.

transformers has no class for it; what is computed here follows what the models' files say of themselves (config.json and
modeling_qwen.py of Qwen/Qwen-1_8B): get_ntk_alpha() of the whole text, and logn_tensor, whose item of position p is
log_seq_length(p + 1). expected.json stays within "seq_length", expected_long.json does not.
Made with torch 2.13.0 and safetensors 0.8.0: python make_qwen1.py
"""
import json
import math
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

target = pathlib.Path(__file__).parent / "qwen1"
HIDDEN, HEADS, LAYERS, WIDTH, VOCABULARY, BASE, EPSILON, TRAINED = 32, 2, 2, 88, 64, 500.0, 1e-6, 64
CONFIG = {"architectures": ["QWenLMHeadModel"], "model_type": "qwen", "hidden_size": HIDDEN, "intermediate_size": 2 * WIDTH,
          "kv_channels": HIDDEN // HEADS, "layer_norm_epsilon": EPSILON, "max_position_embeddings": 256, "seq_length": TRAINED,
          "no_bias": True, "num_attention_heads": HEADS, "num_hidden_layers": LAYERS, "rotary_emb_base": BASE,
          "rotary_pct": 1.0, "scale_attn_weights": True, "tie_word_embeddings": False, "use_dynamic_ntk": True,
          "use_logn_attn": True, "vocab_size": VOCABULARY, "bos_token_id": 1, "eos_token_id": 2}


def tensors():
    shapes = {"transformer.wte.weight": (VOCABULARY, HIDDEN)}
    for layer in range(LAYERS):
        prefix = f"transformer.h.{layer}."
        shapes |= {prefix + "ln_1.weight": (HIDDEN,), prefix + "attn.c_attn.weight": (3 * HIDDEN, HIDDEN),
                   prefix + "attn.c_attn.bias": (3 * HIDDEN,), prefix + "attn.c_proj.weight": (HIDDEN, HIDDEN),
                   prefix + "ln_2.weight": (HIDDEN,), prefix + "mlp.w1.weight": (WIDTH, HIDDEN),
                   prefix + "mlp.w2.weight": (WIDTH, HIDDEN), prefix + "mlp.c_proj.weight": (HIDDEN, WIDTH)}
    shapes |= {"transformer.ln_f.weight": (HIDDEN,), "lm_head.weight": (VOCABULARY, HIDDEN)}
    return {name: (0.2 * torch.randn(shape) + (1.0 if ".ln_" in name else 0.0)).half() for name, shape in shapes.items()}


def norm(x, weight):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + EPSILON) * weight


def rotate(x):
    """x [heads, tokens, size]"""
    size = x.shape[-1]
    alpha = max(2 ** math.ceil(math.log(x.shape[1] / TRAINED, 2) + 1) - 1, 1)
    base = BASE * alpha ** (size / (size - 2))
    frequencies = 1.0 / base ** (torch.arange(0, size, 2).float() / size)
    angles = torch.outer(torch.arange(x.shape[1]).float(), frequencies)
    angles = torch.cat((angles, angles), dim=-1)
    first, second = x.chunk(2, dim=-1)
    return x * angles.cos() + torch.cat((-second, first), dim=-1) * angles.sin()


def logits(weights, ids):
    w = {name: tensor.float() for name, tensor in weights.items()}
    x = w["transformer.wte.weight"][ids]
    for layer in range(LAYERS):
        part = {name.split(".", 3)[3]: tensor for name, tensor in w.items() if name.startswith(f"transformer.h.{layer}.")}
        fused = norm(x, part["ln_1.weight"]) @ part["attn.c_attn.weight"].T + part["attn.c_attn.bias"]
        q, k, v = (piece.view(len(ids), HEADS, -1).transpose(0, 1) for piece in fused.split(HIDDEN, dim=-1))
        logn = torch.tensor([math.log(i, TRAINED) if i > TRAINED else 1.0 for i in range(1, len(ids) + 1)])
        scores = (rotate(q) * logn[None, :, None]) @ rotate(k).transpose(1, 2) / (HIDDEN // HEADS) ** 0.5
        scores = scores.masked_fill(torch.triu(torch.ones_like(scores), 1).bool(), float("-inf"))
        attended = (scores.softmax(-1) @ v).transpose(0, 1).reshape(len(ids), HIDDEN)
        x = x + attended @ part["attn.c_proj.weight"].T
        normed = norm(x, part["ln_2.weight"])
        x = x + (normed @ part["mlp.w1.weight"].T * F.silu(normed @ part["mlp.w2.weight"].T)) @ part["mlp.c_proj.weight"].T
    return norm(x, w["transformer.ln_f.weight"]) @ w["lm_head.weight"].T


torch.manual_seed(20250211)
target.mkdir(exist_ok=True)
weights = tensors()
save_file(weights, target / "model.safetensors", metadata={"format": "pt"})
(target / "config.json").write_text(json.dumps(CONFIG, indent=2) + "\n")


def write(ids, positions, file):
    expected = {"ids": ids, "positions": positions,
                "logits": [[float(f"{value:.7g}") for value in row] for row in logits(weights, ids)[positions].tolist()]}
    (target / file).write_text(json.dumps(expected, separators=(",", ":")) + "\n")


ids = [1] + torch.randint(3, 64, (43,)).tolist()
write(ids, [0, 1, 5, 8, 9, 10, 17, 30, 43], "expected.json")
ids = ids + torch.randint(3, 64, (106,)).tolist()
write(ids, [0, 1, 43, 63, 64, 65, 100, 128, 149], "expected_long.json")
print("qwen1", sum(file.stat().st_size for file in target.iterdir()))
