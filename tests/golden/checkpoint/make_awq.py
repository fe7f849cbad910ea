# SPDX-License-Identifier: Apache-2.0
"""Writes awq/ and float8/: linears in AutoAWQ's gemm layout and in 8-bit floats, with what they dequantize to.

Made with torch 2.13.0, compressed-tensors 0.20.0 and safetensors 0.8.0. AWQ words are put together here from AutoAWQ's order
(awq/utils/packing_utils.py), and compressed-tensors' AutoAWQConverter has to find the codes in them again. W = scale *
(code - zero point) in f32. 8-bit floats: W = weight * scale in f32, rounded to bf16, with scales of the tensor, of rows, and
of blocks that do not divide the weight (as in transformers' finegrained_fp8).
"""
import json
import pathlib

import torch
from compressed_tensors.entrypoints.convert.converters.autoawq import AutoAWQConverter
from safetensors.torch import save_file

torch.manual_seed(20240503)
here = pathlib.Path(__file__).parent
ORDER = [0, 2, 4, 6, 1, 3, 5, 7]


def pack(codes):  # [rows, 8 n] -> int32 [rows, n]
    words = torch.zeros(codes.shape[0], codes.shape[1] // 8, dtype=torch.int64)
    for field, column in enumerate(ORDER):
        words |= codes[:, column::8] << (4 * field)
    return torch.where(words >= 2 ** 31, words - 2 ** 32, words).to(torch.int32).contiguous()


def awq(tensors, name, outs, ins, group):
    columns = ins if group == -1 else group
    codes = torch.randint(0, 16, (ins, outs))
    zero = torch.randint(0, 16, (ins // columns, outs))
    scale = (torch.rand(ins // columns, outs) * 0.1 + 0.01).half()
    order = torch.arange(ins) // columns
    expected = (scale.float()[order] * (codes - zero[order]).float()).t().contiguous()
    qweight, qzeros = pack(codes), pack(zero)
    converter = AutoAWQConverter(group_size=columns)
    signed, back, zeros = converter._convert_gemm_module(qweight, scale, qzeros)
    check = (signed.float() - zeros.float()[:, order]) * back.float()[:, order]
    assert torch.equal(check, expected)
    tensors.update({name + ".qweight": qweight, name + ".qzeros": qzeros, name + ".scales": scale, name + ".expected": expected})


def float8(tensors, name, outs, ins, rows, cols, suffix, scale_type, dtype=torch.float8_e4m3fn, flat=False):
    weight = (torch.randn(outs, ins) * 30).to(dtype)
    scale = (torch.rand(-(-outs // rows), -(-ins // cols)) * 0.01 + 0.001).to(scale_type)
    grid = scale.float().repeat_interleave(rows, 0)[:outs].repeat_interleave(cols, 1)[:, :ins]
    tensors[name + ".weight"] = weight
    tensors[name + suffix] = scale.flatten() if flat else scale
    if rows >= outs and cols >= ins:
        tensors[name + suffix] = scale.reshape(())
    tensors[name + ".expected"] = (weight.float() * grid).bfloat16()


def save(folder, tensors, quantization):
    (here / folder).mkdir(exist_ok=True)
    save_file(tensors, here / folder / "model.safetensors")
    (here / folder / "config.json").write_text(json.dumps(
        {"model_type": "llama", "quantization_config": quantization}, indent=1) + "\n")


tensors = {}
awq(tensors, "model.layers.0.groups", 24, 64, 32)
awq(tensors, "model.layers.0.more", 8, 96, 32)
save("awq", tensors, {"quant_method": "awq", "bits": 4, "group_size": 32, "zero_point": True, "version": "gemm"})

tensors = {}
float8(tensors, "model.layers.0.blocks", 40, 48, 16, 32, ".weight_scale_inv", torch.float32)
float8(tensors, "model.layers.0.rows", 12, 20, 1, 20, ".weight_scale", torch.bfloat16)
float8(tensors, "model.layers.0.flat", 12, 20, 1, 20, ".weight_scale", torch.float16, flat=True)
float8(tensors, "model.layers.0.tensor", 12, 20, 12, 20, ".weight_scale", torch.float32)
float8(tensors, "model.layers.0.wide", 12, 20, 12, 20, ".weight_scale", torch.float32, torch.float8_e5m2)
save("float8", tensors, {"quant_method": "fp8", "weight_block_size": [16, 32], "activation_scheme": "dynamic"})
