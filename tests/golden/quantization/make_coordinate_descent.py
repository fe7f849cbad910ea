# SPDX-License-Identifier: Apache-2.0
"""Golden codes for coordinate descent: Algorithm 1 of arXiv 2309.01885 in plain PyTorch, f64, from GPTQ's answer.

    python3 make_coordinate_descent.py > coordinate_descent.json

Every weight in turn takes the grid's value nearest to the least of tr((Q - W) H (Q - W)^T) with all others fixed; the
gradient is taken anew for each column. With refitScales the group's scale moves first, to the f16 nearest to the least
squares' answer, then an asymmetric group's zero point by one code; each only where that lowers the quadratic. Inputs,
grids and GPTQ are those of make_gptq.py.
"""
import json
import sys

import numpy
import torch

from make_gptq import TOKENS, gptq, make_inputs, make_weights, to_f16

LEAST_GAIN = 1e-4  # of a step's own cost: no step at a tie


def loss(W, Q, H):
    return torch.sum(((W - Q) @ H) * (W - Q)).item()


def descend(W, H, codes, scales, zeros, group_of, case):
    codes, scales, zeros = codes.to(torch.float64), scales.clone(), zeros.clone()
    top = 2 ** case["bits"] - 1

    def value():
        return scales[:, group_of] * (codes - zeros[:, group_of])

    Q = value()
    for _ in range(case["sweeps"]):
        changed = False
        for g in range(scales.shape[1]):
            columns = torch.nonzero(group_of == g).flatten()
            if case["refitScales"]:
                R = ((W - Q) @ H)[:, columns]
                U = Q[:, columns]
                linear = (R * U).sum(dim=1)
                curve = ((U @ H[columns][:, columns]) * U).sum(dim=1)
                scale = torch.where(curve > 0, to_f16(scales[:, g] * (1 + linear / curve.clamp(min=1e-300))), scales[:, g])
                t = scale / scales[:, g] - 1
                take = (scale >= 2.0**-14) & (2 * t * linear - t * t * curve > LEAST_GAIN * t * t * curve)
                scales[take, g] = scale[take]
                changed |= bool(take.any())
                Q = value()
                if not case["symmetric"]:
                    R = ((W - Q) @ H)[:, columns].sum(dim=1)
                    step = torch.where(R < 0, 1.0, -1.0).to(torch.float64)
                    cost = scales[:, g] ** 2 * H[columns][:, columns].sum()
                    zero = zeros[:, g] + step
                    take = (zero >= 0) & (zero <= top) & (2 * scales[:, g] * R.abs() - cost > LEAST_GAIN * cost)
                    zeros[take, g] = zero[take]
                    changed |= bool(take.any())
                    Q = value()
            for j in columns.tolist():
                h = H[j, j]
                if h == 0:
                    continue
                R = (W - Q) @ H[:, j]
                code = torch.clamp(torch.round((Q[:, j] + R / h) / scales[:, g]) + zeros[:, g], 0, top)
                d = scales[:, g] * (code - zeros[:, g]) - Q[:, j]
                take = 2 * d * R - d * d * h > LEAST_GAIN * d * d * h
                codes[take, j] = code[take]
                changed |= bool(take.any())
                Q[:, j] = scales[:, g] * (codes[:, j] - zeros[:, g])
        if not changed:
            break
    return codes.to(torch.int64), scales, zeros, Q


CASES = [
    dict(name="symmetric"),
    dict(name="symmetric, scales fixed", refitScales=False),
    dict(name="asymmetric", symmetric=False),
    dict(name="asymmetric, scales fixed, until nothing changes", symmetric=False, refitScales=False, sweeps=100),
    dict(name="columns from left to right", actOrder="none"),
    dict(name="dynamic order, asymmetric", actOrder="dynamic", symmetric=False),
    dict(name="one group per row", groupSize=0),
    dict(name="tail group, asymmetric", cols=176, groupSize=48, symmetric=False),
    dict(name="dead columns", dead=[0, 17, 100]),
    dict(name="3 bits, asymmetric", bits=3, symmetric=False),
    dict(name="2 bits", bits=2),
]


def main():
    results = []
    for number, overrides in enumerate(CASES):
        case = dict(bits=4, groupSize=32, symmetric=True, actOrder="static", staticGroups=False, dampFraction=0.01,
                    rows=20, cols=160, dead=[], sweeps=4, refitScales=True, seed=2000 + number)
        case.update(overrides)
        W = make_weights(case["rows"], case["cols"], case["seed"])
        X = make_inputs(case["cols"], case["seed"] + 500, case["dead"])
        H = 2.0 / TOKENS * X.T @ X
        codes, scales, zeros, index = gptq(W, H, case)
        group_of = torch.arange(case["cols"]) // (case["groupSize"] or case["cols"]) if index is None else index
        start = scales[:, group_of] * (codes - zeros[:, group_of])
        codes, scales, zeros, Q = descend(W, H, codes, scales, zeros, group_of, case)
        case["lossOfStart"] = loss(W, start, H)
        case["loss"] = loss(W, Q, H)
        case["codes"] = "".join("%02x" % c for c in codes.flatten().tolist())
        case["scales"] = scales.flatten().tolist()
        case["zeroPoints"] = [int(z) for z in zeros.flatten().tolist()]
        results.append(case)
    json.dump({"madeWith": {"python": sys.version.split()[0], "torch": torch.__version__,
                            "numpy": numpy.__version__}, "cases": results}, sys.stdout, indent=None)
    print()


if __name__ == "__main__":
    main()
