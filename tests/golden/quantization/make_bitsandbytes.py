# SPDX-License-Identifier: Apache-2.0
"""Golden codes, scales and values of bitsandbytes' 4-bit types, on the CPU.

    python3 make_bitsandbytes.py > bitsandbytes.json

Weights are those of make_gptq.py, row r times (1 + r % 7) / 8, as f16; of "edges" the first group of row 0 is zero,
row 1 constant, and row 2 has an outlier. The scales of double quantization come from the backend that takes the nearest
value, as the CUDA kernels do: the CPU's own kernel now and then misses it by one.
"""
import hashlib
import json
import sys

import bitsandbytes
import bitsandbytes.functional as F
import numpy
import torch

from make_gptq import make_weights

CASES = [
    {"type": "nf4", "rows": 24, "cols": 256, "blockSize": 64, "double": False, "edges": False, "seed": 1},
    {"type": "nf4", "rows": 6, "cols": 128, "blockSize": 32, "double": False, "edges": True, "seed": 2},
    {"type": "nf4", "rows": 90, "cols": 256, "blockSize": 64, "double": True, "edges": False, "seed": 3},
    {"type": "nf4", "rows": 6, "cols": 128, "blockSize": 64, "double": True, "edges": True, "seed": 4},
    {"type": "fp4", "rows": 24, "cols": 256, "blockSize": 128, "double": False, "edges": False, "seed": 5},
    {"type": "fp4", "rows": 6, "cols": 128, "blockSize": 64, "double": False, "edges": True, "seed": 6},
    {"type": "fp4", "rows": 70, "cols": 128, "blockSize": 32, "double": True, "edges": False, "seed": 7},
]


def bits(tensor):
    return [int(x) for x in tensor.float().contiguous().numpy().view(numpy.uint32)]


def weights(case):
    W = make_weights(case["rows"], case["cols"], case["seed"]).float()
    W *= ((1 + torch.arange(case["rows"]) % 7) / 8.0)[:, None]
    if case["edges"]:
        W[0, :case["blockSize"]] = 0
        W[1, :] = -0.3
        W[2, 5] = 500
    return W.half()


def nested(state):
    offset = state.absmax.mean()
    code = F.create_dynamic_map()
    keys = torch._C.DispatchKeySet(torch._C.DispatchKey.CompositeExplicitAutograd)
    codes, absmax = torch.ops.bitsandbytes.quantize_blockwise.default.redispatch(keys, state.absmax - offset, code, 256)
    inner = F.QuantState(absmax=absmax, code=code, blocksize=256, dtype=torch.float32)
    return F.QuantState(absmax=codes, shape=state.shape, dtype=state.dtype, blocksize=state.blocksize, code=state.code,
                        quant_type=state.quant_type, offset=offset, state2=inner)


def solve(case):
    W = weights(case)
    packed, state = F.quantize_4bit(W, blocksize=case["blockSize"], quant_type=case["type"])
    if case["double"]:
        state = nested(state)
    values = F.dequantize_4bit(packed, state).half()
    result = dict(case)
    result["packed"] = bytes(packed.flatten().tolist()).hex()
    result["valuesSha256"] = hashlib.sha256(values.contiguous().numpy().tobytes()).hexdigest()
    tensors = state.as_dict(packed=True)
    result["state"] = bytes(tensors["quant_state.bitsandbytes__" + case["type"]].tolist()).decode()
    if case["double"]:
        result["absmaxCodes"] = bytes(state.absmax.tolist()).hex()
        result["nestedAbsmaxBits"] = bits(state.state2.absmax)
        result["offsetBits"] = bits(state.offset.reshape(1))[0]
    else:
        result["absmaxBits"] = bits(state.absmax)
    return result


json.dump({"versions": {"bitsandbytes": bitsandbytes.__version__, "torch": torch.__version__},
           "nf4Bits": bits(F.get_4bit_type("nf4", device="cpu")), "fp4Bits": bits(F.get_4bit_type("fp4", device="cpu")),
           "dynamicMapBits": bits(F.create_dynamic_map()), "cases": [solve(case) for case in CASES]},
          sys.stdout, indent=None, separators=(",", ":"))
print()
