# SPDX-License-Identifier: Apache-2.0
"""Writes kv_cache.json: what keys and values read as after they went through a quantized cache, by numpy.

Written for the test after KIVI (Liu et al. 2024, arXiv 2402.02750): asymmetric codes (section 3.1), keys by channel in groups
of tokens, values by token in groups of channels, the newest tokens in f16 (section 3.3); scale and zero point in f16. Made with
numpy; the version is in the file.
"""
import json
import pathlib

import numpy as np

HEADS, HEAD_DIM, TOKENS = 2, 16, 35


def quantize(x, bits, axis):
    """x in f16, along `axis`; f32 of what the codes stand for."""
    x = x.astype(np.float32)
    low, high = x.min(axis, keepdims=True), x.max(axis, keepdims=True)
    scale = ((high - low) / np.float32(2**bits - 1)).astype(np.float16).astype(np.float32)
    steps = np.divide(x - low, scale, out=np.zeros_like(x), where=scale > 0)
    codes = np.clip(np.round(steps), 0, 2**bits - 1)
    return scale * codes + low


def through(x, bits, by_channel, group, residual):
    x = x.astype(np.float16)
    packed = len(x) // residual * residual if residual else len(x)
    old, new = x[:packed], x[packed:].astype(np.float32)
    if packed == 0:
        return new
    if by_channel:
        old = quantize(old.reshape(packed // group, group, -1), bits, 1).reshape(packed, -1)
    else:
        columns = group if HEAD_DIM % group == 0 else HEAD_DIM
        old = quantize(old.reshape(packed, -1, columns), bits, 2).reshape(packed, -1)
    return np.concatenate([old, new])


def numbers(x):
    return [float(f"{v:.9g}") for v in x.ravel()]


random = np.random.default_rng(11)
x = random.normal(size=(TOKENS, HEADS * HEAD_DIM)).astype(np.float32)
x[:, 3] *= 40        # an outlier channel, as keys have them
x[7] *= 25           # and an outlier token
x[:, 5] = 0.75       # constant
x[:, 9] = 0          # zero
x[20, 16:] = -3.25   # a constant head of one token
x[30, 2] = 60000     # nearly all that f16 holds
rows = []
for use, bits in [("int8", 8), ("int4", 4)]:
    for keys, group, residual in [("token", 8, 0), ("token", 32, 32), ("channel", 8, 8), ("channel", 16, 32)]:
        rows.append({"scheme": {"use": use, "keys": keys, "groupSize": group, "residual": residual},
                     "keys": numbers(through(x, bits, keys == "channel", group, residual)),
                     "values": numbers(through(x, bits, False, group, residual))})
path = pathlib.Path(__file__).parent / "kv_cache.json"
path.write_text(json.dumps({"numpy": np.__version__, "heads": HEADS, "headDim": HEAD_DIM,
                            "input": numbers(x), "cases": rows}) + "\n")
