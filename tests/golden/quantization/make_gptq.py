# SPDX-License-Identifier: Apache-2.0
"""Golden codes for the GPTQ plugin: Algorithm 1 of arXiv 2210.17323 in plain PyTorch, f64 throughout.

    python3 make_gptq.py > gptq.json

Weights and calibration inputs are not stored: both sides make them from the same integer generator, exactly.
The scales are rounded to f16 before any code is computed, as the files that hold them do.
"""
import json
import sys

import numpy
import torch

TOKENS = 256


class Generator:
    """A 64-bit linear congruential generator; values in -spread..spread."""

    def __init__(self, seed):
        self.state = seed

    def next(self, spread):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % (2 * spread + 1) - spread


def make_inputs(cols, seed, dead):
    """Integers with neighbours and groups of eight correlated; their Gram matrix is exact in f32."""
    g = Generator(seed)
    X = torch.zeros(TOKENS, cols, dtype=torch.float64)
    for t in range(TOKENS):
        z = [g.next(7) for _ in range(cols)]
        common = [g.next(7) for _ in range((cols + 7) // 8)]
        for i in range(cols):
            X[t, i] = (z[i] + (z[i - 1] if i > 0 else 0) + 2 * common[i // 8]) * (1 + (i * 7) % 5)
    for i in dead:
        X[:, i] = 0
    return X


def make_weights(rows, cols, seed):
    g = Generator(seed)
    values = [g.next(1000) / 4096 for _ in range(rows * cols)]
    return torch.tensor(values, dtype=torch.float64).reshape(rows, cols)


def to_f16(x):
    return x.to(torch.float32).to(torch.float16).to(torch.float64)


def fit(w, case):
    """Scale and zero point of each row of a group [rows, n]."""
    top = 2 ** case["bits"] - 1
    low = torch.clamp(w.min(dim=1).values, max=0.0)
    high = torch.clamp(w.max(dim=1).values, min=0.0)
    if case["symmetric"]:
        reach = 2 * torch.maximum(-low, high)
        zero = torch.full_like(reach, float(2 ** (case["bits"] - 1)))
    else:
        reach = high - low
    scale = to_f16(reach / top)
    scale = torch.where(reach == 0, torch.ones_like(scale), scale)
    if not case["symmetric"]:
        zero = torch.clamp(torch.round(-low / scale), 0, top)
        zero = torch.where(reach == 0, torch.zeros_like(zero), zero)
    return scale, zero


def gptq(W, H, case):
    rows, cols = W.shape
    W, H = W.clone(), H.clone()
    size = case["groupSize"] or cols
    dead = torch.diag(H) == 0
    H[dead, dead] = 1
    W[:, dead] = 0
    order = torch.arange(cols)
    if case["actOrder"] != "none":
        order = torch.argsort(torch.diag(H), descending=True, stable=True)
    by_position = case["actOrder"] == "dynamic"
    group_of = torch.arange(cols) // size if by_position else order // size
    W, H = W[:, order], H[order][:, order]
    H += case["dampFraction"] * torch.mean(torch.diag(H)) * torch.eye(cols, dtype=torch.float64)
    U = torch.linalg.cholesky(torch.cholesky_inverse(torch.linalg.cholesky(H)), upper=True)

    groups = (cols + size - 1) // size
    scales = torch.zeros(rows, groups, dtype=torch.float64)
    zeros = torch.zeros(rows, groups, dtype=torch.float64)

    def fit_group(g):
        scales[:, g], zeros[:, g] = fit(W[:, group_of == g], case)

    before = case["actOrder"] == "static" or case["staticGroups"] or groups == 1
    if before:
        for g in range(groups):
            fit_group(g)
    codes = torch.zeros(rows, cols, dtype=torch.int64)
    for i in range(cols):
        g = int(group_of[i])
        if not before and i % size == 0:
            fit_group(g)
        q = torch.clamp(torch.round(W[:, i] / scales[:, g]) + zeros[:, g], 0, 2 ** case["bits"] - 1)
        codes[:, i] = q.to(torch.int64)
        error = (W[:, i] - scales[:, g] * (q - zeros[:, g])) / U[i, i]
        W[:, i + 1:] -= torch.outer(error, U[i, i + 1:])
    inverse = torch.argsort(order)
    return codes[:, inverse], scales, zeros, group_of[inverse] if by_position and groups > 1 else None


CASES = [
    dict(name="symmetric, groups fitted in the loop", actOrder="none"),
    dict(name="asymmetric, groups fitted in the loop", actOrder="none", symmetric=False),
    dict(name="static groups", actOrder="none", staticGroups=True),
    dict(name="static order", actOrder="static"),
    dict(name="static order, asymmetric, 3 bits", actOrder="static", symmetric=False, bits=3),
    dict(name="dynamic order", actOrder="dynamic"),
    dict(name="dynamic order, asymmetric", actOrder="dynamic", symmetric=False),
    dict(name="one group per row", actOrder="none", groupSize=0),
    dict(name="one group per row, static order, 8 bits", actOrder="static", groupSize=0, bits=8),
    dict(name="tail group", actOrder="none", cols=176, groupSize=48),
    dict(name="tail group, static order", actOrder="static", cols=176, groupSize=48),
    dict(name="tail group, dynamic order, asymmetric", actOrder="dynamic", cols=176, groupSize=48, symmetric=False),
    dict(name="dead columns", actOrder="none", dead=[0, 17, 100]),
    dict(name="dead columns, static order", actOrder="static", dead=[0, 17, 100]),
    dict(name="2 bits, strong damping", actOrder="static", bits=2, dampFraction=0.1),
]


def main():
    results = []
    for number, overrides in enumerate(CASES):
        case = dict(bits=4, groupSize=32, symmetric=True, actOrder="none", staticGroups=False, dampFraction=0.01,
                    rows=20, cols=160, dead=[], seed=1000 + number)
        case.update(overrides)
        W = make_weights(case["rows"], case["cols"], case["seed"])
        X = make_inputs(case["cols"], case["seed"] + 500, case["dead"])
        H = 2.0 / TOKENS * X.T @ X
        codes, scales, zeros, index = gptq(W, H, case)
        case["codes"] = "".join("%02x" % c for c in codes.flatten().tolist())
        case["scales"] = scales.flatten().tolist()
        case["zeroPoints"] = [int(z) for z in zeros.flatten().tolist()]
        case["groupIndex"] = [] if index is None else index.tolist()
        results.append(case)
    json.dump({"madeWith": {"python": sys.version.split()[0], "torch": torch.__version__,
                            "numpy": numpy.__version__}, "cases": results}, sys.stdout, indent=None)
    print()


if __name__ == "__main__":
    main()
