# SPDX-License-Identifier: Apache-2.0
"""Writes one directory per family: a tiny model with random weights in the family's shape, and some of its logits.

Made with transformers 5.24.0 and torch 2.13.0: python make_families.py [name...]
"""
import json
import pathlib
import sys

import torch
import transformers as tf

here = pathlib.Path(__file__).parent
SIZES = dict(vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=128, rms_norm_eps=1e-5, bos_token_id=1, eos_token_id=2,
             pad_token_id=0)

# Of the families with layer norms, whose MLPs are four times as wide.
WIDE = dict(vocab_size=64, num_hidden_layers=2, max_position_embeddings=128, bos_token_id=1, eos_token_id=2)


def rope(**more):
    return {"rope_type": "default", "rope_theta": 500.0, **more}


FAMILIES = {
    # The scaling's two bounds lie within the context, so that all three of its ranges are met.
    "llama3": tf.LlamaConfig(**SIZES, tie_word_embeddings=True, rope_parameters=rope(
        rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32)),
    "llama_linear": tf.LlamaConfig(**SIZES, rope_parameters=rope(rope_type="linear", factor=3.0)),
    "llama_yarn": tf.LlamaConfig(**SIZES, rope_parameters=rope(
        rope_type="yarn", factor=4.0, original_max_position_embeddings=32)),
    # Within its positions, where it is no scaling at all; expected_long.json beyond them, where the base has grown.
    "llama_dynamic": tf.LlamaConfig(**SIZES, rope_parameters=rope(rope_type="dynamic", factor=4.0)),
    "mistral": tf.MistralConfig(**SIZES, sliding_window=9, rope_parameters=rope()),
    "qwen2": tf.Qwen2Config(**SIZES, tie_word_embeddings=True, use_sliding_window=True, sliding_window=7,
                            max_window_layers=1, rope_parameters=rope()),
    "qwen3": tf.Qwen3Config(**SIZES, head_dim=12, rope_parameters=rope()),
    "gemma": tf.GemmaConfig(**{**SIZES, "num_key_value_heads": 1}, head_dim=16, hidden_act="gelu_pytorch_tanh",
                            rope_parameters=rope()),
    "gemma2": tf.Gemma2Config(**{**SIZES, "num_hidden_layers": 4}, head_dim=12, query_pre_attn_scalar=20, sliding_window=8,
                              attn_logit_softcapping=3.0, final_logit_softcapping=5.0, rope_parameters=rope()),
    "gemma3": tf.Gemma3TextConfig(**{**SIZES, "num_hidden_layers": 6, "intermediate_size": 32}, head_dim=12,
                                  query_pre_attn_scalar=20, sliding_window=8, rope_parameters={
        "full_attention": {"rope_type": "linear", "factor": 4.0, "rope_theta": 5000.0},
        "sliding_attention": {"rope_type": "default", "rope_theta": 100.0}}),
    # The language model of a model for pictures and text, whose tower and projector lie in the same file.
    "gemma3_pictures": tf.Gemma3Config(
        text_config=dict(**{**SIZES, "num_hidden_layers": 3, "intermediate_size": 32}, head_dim=12, query_pre_attn_scalar=12,
                         sliding_window=8, sliding_window_pattern=3, rope_theta=5000.0, rope_local_base_freq=100.0,
                         rope_scaling={"rope_type": "linear", "factor": 4.0}),
        vision_config=dict(model_type="siglip_vision_model", hidden_size=8, intermediate_size=8, num_hidden_layers=1,
                           num_attention_heads=2, image_size=8, patch_size=4, vision_use_head=False),
        mm_tokens_per_image=4, boi_token_index=60, eoi_token_index=61, image_token_index=62),
    # Within the original length, where the short factors count; expected_long.json beyond it, where the long ones do.
    "phi3_longrope": tf.Phi3Config(**{**SIZES, "max_position_embeddings": 256}, original_max_position_embeddings=64,
                                   rope_parameters=rope(rope_type="longrope", partial_rotary_factor=0.75,
                                                        original_max_position_embeddings=64, short_factor=[1.0, 1.3, 2.5],
                                                        long_factor=[2.0, 3.0, 4.0])),
    "phi3": tf.Phi3Config(**SIZES, sliding_window=10, rope_parameters=rope()),
    "phi2": tf.PhiConfig(**WIDE, hidden_size=40, intermediate_size=160, num_attention_heads=4, layer_norm_eps=1e-5,
                         rope_parameters=rope(partial_rotary_factor=0.4)),
    "gpt_neox": tf.GPTNeoXConfig(**WIDE, hidden_size=32, intermediate_size=128, num_attention_heads=2,
                                 rope_parameters=rope(partial_rotary_factor=0.25)),
    "gpt_neox_sequential": tf.GPTNeoXConfig(**WIDE, hidden_size=32, intermediate_size=128, num_attention_heads=2,
                                            hidden_act="gelu_fast", use_parallel_residual=False,
                                            rope_parameters=rope(partial_rotary_factor=0.25)),
    "gpt2": tf.GPT2Config(vocab_size=64, n_positions=64, n_embd=32, n_layer=2, n_head=4, bos_token_id=1, eos_token_id=2),
}

# Texts beyond the original positions, computed at once, as their length decides.
LONG = {"phi3_longrope": (100, [0, 1, 5, 30, 43, 63, 64, 80, 99]),
        "llama_dynamic": (200, [0, 1, 5, 43, 100, 127, 128, 160, 199])}


def fill(model, offset):
    """Weights of spread 0.2; norms around 1, or around the 0 that stands for it."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn_like(parameter)
            isNorm = ("norm" in name or ".ln_" in name) and name.endswith("weight")
            parameter.copy_(0.2 * noise + (1.0 if isNorm and not offset else 0.0))


def write(model, ids, positions, file):
    with torch.no_grad():
        logits = model(torch.tensor([ids]), use_cache=False).logits[0][positions]
    expected = {"ids": ids, "positions": positions,
                "logits": [[float(f"{value:.7g}") for value in row] for row in logits.tolist()]}
    file.write_text(json.dumps(expected, separators=(",", ":")) + "\n")


def make(name, config):
    target = here / name
    torch.manual_seed(20250211)
    model = tf.AutoModelForCausalLM.from_config(config)
    fill(model, name.startswith("gemma"))
    (model.bfloat16() if name.startswith("gemma") else model.half()).save_pretrained(target)
    (target / "generation_config.json").unlink(missing_ok=True)
    model = tf.AutoModelForCausalLM.from_pretrained(target, dtype=torch.float32, attn_implementation="eager").eval()
    ids = [1] + torch.randint(3, 64, (43,)).tolist()
    write(model, ids, [0, 1, 5, 8, 9, 10, 17, 30, 43], target / "expected.json")
    if name in LONG:
        count, positions = LONG[name]
        ids = ids + torch.randint(3, 64, (count - len(ids),)).tolist()
        write(model, ids, positions, target / "expected_long.json")
    print(name, sum(file.stat().st_size for file in target.iterdir()))


for name, config in FAMILIES.items():
    if not sys.argv[1:] or name in sys.argv[1:]:
        make(name, config)
