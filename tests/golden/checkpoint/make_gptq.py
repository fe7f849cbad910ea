# SPDX-License-Identifier: Apache-2.0
"""Writes gptq_v1/ and gptq_v2/: linears in the two versions of GPTQ's layout, with what they dequantize to.

Made with torch 2.13.0, auto-round 0.15.1 (its packer, which is that of AutoGPTQ, writes the words of the version without an
offset: the first version's zero points go in less one) and safetensors. W = scale * (code - zero point), in f32 of f16
scales. Bits 2, 3, 4 and 8, groups and whole rows, act-order indices, both kinds of zero points; zero points of 2^bits, which
the first version can name, and of which AutoGPTQ's own files have some.
"""
import json
import pathlib

import torch
from auto_round_extension.torch.qlinear_torch import QuantLinear
from safetensors.torch import save_file

torch.manual_seed(20240502)
here = pathlib.Path(__file__).parent


def layer(tensors, name, bits, outs, ins, group, symmetric, offset, permute=False, index=True):
    columns = ins if group == -1 else group
    groups = -(-ins // columns)
    top = 2 ** bits
    codes = torch.randint(0, top, (outs, ins))
    zero = torch.full((outs, groups), top // 2)
    if not symmetric:
        zero = torch.randint(offset, top + offset, (outs, groups))
        if offset:
            zero[0, 0] = top
    scale = (torch.rand(outs, groups) * 0.1 + 0.01).half()
    order = torch.arange(ins) // columns
    if permute:
        order = order[torch.randperm(ins)]
    expected = scale.float()[:, order] * (codes - zero[:, order]).float()
    packer = QuantLinear(bits, columns, ins, outs, False)
    packer.device = "cpu"
    # Weights that are the codes themselves are packed as they are.
    linear = torch.nn.Linear(ins, outs, bias=False)
    linear.weight.data = codes.float()
    packer.pack(linear, torch.ones(outs, groups), torch.zeros(outs, groups, dtype=torch.int32))
    tensors[name + ".qweight"] = packer.qweight.contiguous()
    packer.pack(linear, torch.ones(outs, groups), (zero - offset).to(torch.int32))
    tensors[name + ".qzeros"] = packer.qzeros.contiguous()
    tensors[name + ".scales"] = scale.t().contiguous()
    if index:
        tensors[name + ".g_idx"] = order.to(torch.int32)
    tensors[name + ".expected"] = expected.contiguous()


def save(folder, tensors, quantization):
    (here / folder).mkdir(exist_ok=True)
    save_file(tensors, here / folder / "model.safetensors")
    (here / folder / "config.json").write_text(json.dumps(
        {"model_type": "llama", "quantization_config": quantization}, indent=1) + "\n")


tensors = {}
rules = {}
for bits in [2, 3, 4, 8]:
    for symmetric in [True, False]:
        name = f"model.layers.0.b{bits}{'s' if symmetric else 'a'}"
        layer(tensors, name, bits, 32, 64, 32, symmetric, 1, permute=not symmetric)
        rules[f"+:.*b{bits}{'s' if symmetric else 'a'}"] = {"bits": bits, "sym": symmetric}
layer(tensors, "model.layers.1.rows", 4, 32, 32, -1, False, 1)
rules["model.layers.1.rows"] = {"group_size": -1}
layer(tensors, "model.layers.1.plain", 4, 32, 64, 32, True, 1, index=False)
rules["-:model.layers.2.*"] = {}
save("gptq_v1", tensors, {"quant_method": "gptq", "bits": 4, "group_size": 32, "sym": True, "desc_act": True, "dynamic": rules})

tensors = {}
layer(tensors, "model.layers.0.a", 4, 32, 64, 16, False, 0)
layer(tensors, "model.layers.0.s", 4, 32, 64, 16, True, 0, permute=True)
save("gptq_v2", tensors, {"quant_method": "gptq", "bits": 4, "group_size": 16, "sym": False, "desc_act": False,
                          "checkpoint_format": "gptq_v2"})
