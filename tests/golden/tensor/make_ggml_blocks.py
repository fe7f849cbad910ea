# SPDX-License-Identifier: Apache-2.0
"""Golden blocks: what ggml makes of values, and what it reads back from its blocks.

Usage: make_ggml_blocks.py LIBGGML_BASE_SO GGUF_PY > ggml_blocks.json
Made with ggml 0.25.3 and its gguf-py (llama.cpp as in llama-cpp-python 0.3.36), numpy 2; x86-64. Both of ggml's own
conversions, in C and in Python, agree to the bit on these blocks. Two super-blocks per type: one of ordinary weights, one
of random bytes with ordinary scales, which reaches every code.
"""
import ctypes
import json
import sys

import numpy as np

sys.path.insert(0, sys.argv[2])
import gguf  # noqa: E402
from gguf import quants  # noqa: E402

# Name: where the f16 values of a block lie.
TYPES = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82], "Q3_K": [108],
         "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_NL": [0], "IQ4_XS": [0]}

library = ctypes.CDLL(sys.argv[1])
rng = np.random.default_rng(11)
result = {"ggml": "0.25.3", "types": {}}
for name, halves in TYPES.items():
    kind = gguf.GGMLQuantizationType[name]
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    values = (rng.normal(0, 0.05, 256) * (1 + 5 * (rng.random(256) < 0.02))).astype(np.float32)
    blocks = ctypes.create_string_buffer(256 // elements * size)
    chunk = library.ggml_quantize_chunk
    chunk.restype = ctypes.c_size_t
    chunk.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p]
    written = chunk(kind.value, values.ctypes.data, ctypes.addressof(blocks), 0, 1, 256, None)
    assert written == len(blocks), (name, written, len(blocks))
    random = rng.integers(0, 256, (256 // elements, size), dtype=np.uint8)
    for at in halves:
        random[:, at:at + 2] = np.ascontiguousarray(rng.normal(0, 0.01, len(random)).astype(np.float16)).view(np.uint8).reshape(-1, 2)
    data = np.concatenate([np.frombuffer(blocks.raw, np.uint8), random.ravel()])
    expected = quants.dequantize(data.reshape(1, -1), kind).ravel().astype(np.float32)
    read = np.zeros(512, np.float32)
    function = getattr(library, "dequantize_row_" + (name if name.endswith("_K") else name.lower()).replace("Q", "q", 1))
    function.restype = None
    function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
    function(data.ctypes.data, read.ctypes.data, 512)
    assert np.array_equal(read.view(np.uint32), expected.view(np.uint32)), name
    result["types"][name] = {"blocks": data.tobytes().hex(), "values": read.tobytes().hex()}
json.dump(result, sys.stdout, indent=1)
print()
