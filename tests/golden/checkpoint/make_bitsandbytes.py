# SPDX-License-Identifier: Apache-2.0
"""A checkpoint directory with linears that bitsandbytes itself packed, and the values it unpacks them to.

    python3 make_bitsandbytes.py bitsandbytes

Versions: see "versions" in the directory's config.json. The values come from the backend in plain PyTorch, which counts
blocks over all weights as quantize_4bit() and the CUDA kernels do; the CPU's own kernel begins anew with each row, and so
reads blocks that cross rows with other scales than they were written with.
"""
import json
import pathlib
import sys

import bitsandbytes
import bitsandbytes.functional as F
import torch
from safetensors.torch import save_file

LAYERS = {  # name: (type, rows, columns, block size, double quantization)
    "model.layers.0.self_attn.q_proj": ("nf4", 6, 128, 64, False),
    "model.layers.0.self_attn.k_proj": ("fp4", 12, 64, 32, False),
    "model.layers.0.self_attn.v_proj": ("nf4", 80, 128, 32, True),
    "model.layers.0.self_attn.o_proj": ("fp4", 6, 128, 128, True),
    "model.layers.0.mlp.gate_proj": ("nf4", 5, 96, 128, False),  # blocks cross rows, the last is short
    "model.layers.0.mlp.up_proj": ("nf4", 8, 96, 64, True),  # blocks cross rows
}


def unpacked(packed, state):
    absmax = F.dequantize_blockwise(state.absmax, state.state2) + state.offset if state.nested else state.absmax
    keys = torch._C.DispatchKeySet(torch._C.DispatchKey.CompositeExplicitAutograd)
    return torch.ops.bitsandbytes.dequantize_4bit.default.redispatch(
        keys, packed, absmax, state.blocksize, state.quant_type, state.shape, state.dtype)


torch.manual_seed(1)
tensors = {}
for name, (kind, rows, cols, block, double) in LAYERS.items():
    weight = (0.05 * torch.randn(rows, cols)).half()
    packed, state = F.quantize_4bit(weight, blocksize=block, quant_type=kind, compress_statistics=double)
    tensors[name + ".weight"] = packed
    for key, value in state.as_dict(packed=True).items():
        tensors[name + ".weight." + key] = value.contiguous()
    tensors[name + ".expected"] = unpacked(packed, state).half().reshape(rows, cols).contiguous()

directory = pathlib.Path(sys.argv[1])
directory.mkdir(exist_ok=True)
save_file(tensors, directory / "model.safetensors")
(directory / "config.json").write_text(json.dumps({
    "versions": {"bitsandbytes": bitsandbytes.__version__, "torch": torch.__version__},
    "quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}}, indent=1) + "\n")
