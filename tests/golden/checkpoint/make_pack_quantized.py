# SPDX-License-Identifier: Apache-2.0
"""Writes pack_quantized/: linear layers packed by compressed-tensors itself, with what they dequantize to.

Made with torch 2.13.0, safetensors 0.8.0, compressed-tensors 0.20.0.
Bits 2 to 8, symmetric and not, groups and whole rows, sizes that do not fill words, scales of three types,
a group index, and groups of the config that target layers by name, by pattern and by class.
"""
import json
import pathlib

import torch
from compressed_tensors.compressors.pack_quantized.helpers import pack_to_int32
from safetensors.torch import save_file

torch.manual_seed(20240501)
tensors = {}
groups = {}


def add_layer(name, bits, out_features, in_features, group_size, symmetric, scale_type, target, permute=False):
    columns = in_features if group_size is None else group_size
    count = -(-in_features // columns)
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    codes = torch.randint(low, high + 1, (out_features, in_features), dtype=torch.int8)
    scale = (torch.rand(out_features, count) * 0.1 + 0.01).half().to(scale_type)
    zero = torch.zeros(out_features, count, dtype=torch.int8)
    if not symmetric:
        zero = torch.randint(low, high + 1, (out_features, count), dtype=torch.int8)
    index = torch.arange(in_features, dtype=torch.int32) // columns
    if permute:
        index = index[torch.randperm(in_features)]
        tensors[f"{name}.weight_g_idx"] = index
    expected = (codes.float() - zero.float()[:, index]) * scale.float()[:, index]
    tensors[f"{name}.weight_packed"] = pack_to_int32(codes, bits).contiguous()
    tensors[f"{name}.weight_scale"] = scale
    tensors[f"{name}.weight_shape"] = torch.tensor([out_features, in_features])
    if not symmetric:
        tensors[f"{name}.weight_zero_point"] = pack_to_int32(zero, bits, packed_dim=0).contiguous()
    tensors[f"{name}.expected"] = expected.contiguous()
    groups.setdefault(f"group_{len(groups)}", {
        "targets": [target],
        "weights": {"num_bits": bits, "type": "int", "symmetric": symmetric,
                    "strategy": "channel" if group_size is None else "group", "group_size": group_size}})


for bits in range(2, 9):
    add_layer(f"model.layers.{bits}.mlp.up_proj", bits, 5, 48, 16, True, torch.float16, f"model.layers.{bits}.mlp.up_proj")
    add_layer(f"model.layers.{bits}.mlp.down_proj", bits, 7, 37, 16, False, torch.bfloat16, f"re:model\\.layers\\.{bits}\\.mlp\\.down.*")
add_layer("model.layers.9.self_attn.q_proj", 4, 3, 33, None, True, torch.float32, "re:.*q_proj$")
add_layer("model.layers.9.self_attn.k_proj", 3, 3, 40, None, False, torch.float16, "re:.*k_proj")
add_layer("model.layers.9.self_attn.v_proj", 4, 4, 64, 16, False, torch.float16, "re:.*v_proj", permute=True)
add_layer("model.layers.9.self_attn.o_proj", 8, 2, 24, 8, True, torch.float16, "Linear")

folder = pathlib.Path(__file__).parent / "pack_quantized"
folder.mkdir(exist_ok=True)
save_file(tensors, folder / "model.safetensors")
config = {"model_type": "llama", "quantization_config": {
    "quant_method": "compressed-tensors", "format": "pack-quantized", "quantization_status": "compressed",
    "ignore": ["lm_head"], "config_groups": groups}}
(folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
