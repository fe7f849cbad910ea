# SPDX-License-Identifier: Apache-2.0
"""Golden blocks: what ggml's reference quantizers make of given f32 values.

Usage: make_blocks.py LIBGGML_BASE_SO > blocks.json
Made with ggml 0.25.3 (llama.cpp as in llama-cpp-python 0.3.36), numpy 2; x86-64.
"""
import ctypes
import json
import sys

import numpy as np

BYTES = {"Q4_0": 18, "Q4_1": 20, "Q8_0": 34}


def rows():
    rng = np.random.default_rng(7)
    blocks = [rng.normal(0, scale, (12, 32)) for scale in (1.0, 0.02, 1e-4, 30.0)]
    edges = np.zeros((12, 32))
    edges[1] = 0.75                               # constant
    edges[2, 5] = -3.0                            # one outlier
    edges[3, 31] = 1e-7                           # a scale that is a subnormal f16
    edges[4] = np.arange(-16, 16) / 16            # exact steps
    edges[5] = (np.arange(32) - 16) * 0.5         # ties
    edges[6] = np.where(np.arange(32) % 2, 4.0, -4.0)  # two equal extremes
    edges[7] = np.abs(rng.normal(0, 1, 32))       # one sign
    edges[8] = -np.abs(rng.normal(0, 1, 32))
    edges[9] = rng.uniform(900, 1000, 32)         # far from zero
    edges[10] = np.arange(32) * 127 / 31.0
    edges[11] = rng.normal(0, 1, 32) ** 5
    return np.concatenate(blocks + [edges]).astype(np.float32)


def main():
    library = ctypes.CDLL(sys.argv[1])
    values = rows()
    result = {"values": values.tobytes().hex()}
    for name, size in BYTES.items():
        function = getattr(library, f"quantize_row_{name.lower()}_ref")
        function.restype = None
        function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
        out = ctypes.create_string_buffer(len(values) * size)
        function(values.ctypes.data, ctypes.addressof(out), values.size)
        result[name] = out.raw.hex()
    json.dump(result, sys.stdout, indent=1)
    print()


main()
