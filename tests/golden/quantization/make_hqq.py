# SPDX-License-Identifier: Apache-2.0
"""Golden scales, zero points and codes for the HQQ plugin: half-quadratic quantization in plain numpy, f64.

    python3 make_hqq.py > hqq.json

The half-quadratic turns of Badri and Shaji 2023 (shrinkage of the errors, then the grid by least squares), with zero
points that are codes and scales that are f16 values, as the files hold them. Weights are those of make_gptq.py with
some large ones among them.
"""
import json
import sys

import numpy as np

from make_gptq import make_weights


def f16(x):
    return np.float64(np.float16(np.float32(x)))


def weights_of(case):
    W = make_weights(case["rows"], case["cols"], case["seed"]).numpy()
    flat = W.reshape(-1)
    flat[::29] *= 4.0  # outliers
    return W


def optimize(w, case):
    top = 2 ** case["bits"] - 1
    p, beta = case["norm"], case["beta"]
    low, high = min(w.min(), 0.0), max(w.max(), 0.0)
    if case["symmetric"]:
        s, z = f16(2 * max(-low, high) / top), float(2 ** (case["bits"] - 1))
    else:
        s = f16((high - low) / top)
        z = float(np.clip(np.round(-low / s), 0, top))

    def codes(s, z):
        return np.clip(np.round(w / s) + z, 0, top)

    def norm(s, z):
        return np.sum(np.abs(w - s * (codes(s, z) - z)) ** p)

    best, least = (s, z), norm(s, z)
    for _ in range(case["iterations"]):
        levels = codes(s, z) - z
        u = (w - s * levels) / s
        size = np.abs(u)
        kept = np.where(size > 0, np.maximum(size - np.where(size > 0, size, 1.0) ** (p - 1) / beta, 0), 0)
        target = w - s * np.sign(u) * kept
        beta *= case["kappa"]
        if not case["symmetric"]:
            d = levels - levels.mean()
            slope = (d * (target - target.mean())).sum() / (d * d).sum() if (d * d).sum() > 0 else 0
            slope = slope if slope > 0 else s
            moved = float(np.clip(np.round(z + levels.mean() - target.mean() / slope), 0, top))
            levels, z = levels + z - moved, moved
        if (levels * levels).sum() > 0:
            scale = f16((levels * target).sum() / (levels * levels).sum())
            s = scale if scale >= 2.0**-14 else s
        if norm(s, z) < least:
            best, least = (s, z), norm(s, z)
    return best[0], best[1], codes(*best), least


CASES = [
    dict(name="asymmetric"),
    dict(name="symmetric", symmetric=True),
    dict(name="3 bits", bits=3),
    dict(name="2 bits", bits=2),
    dict(name="8 bits", bits=8),
    dict(name="another norm, few iterations", norm=0.5, beta=2.0, kappa=1.1, iterations=6),
    dict(name="one group per row", groupSize=0, bits=3),
    dict(name="tail group", cols=176, groupSize=48, bits=3),
]


def main():
    results = []
    for number, overrides in enumerate(CASES):
        case = dict(bits=4, groupSize=32, symmetric=False, norm=0.7, beta=10.0, kappa=1.01, iterations=20, rows=20,
                    cols=160, seed=3000 + number)
        case.update(overrides)
        W = weights_of(case)
        size = case["groupSize"] or case["cols"]
        text, scales, zeros, total = "", [], [], 0.0
        for row in W:
            for begin in range(0, case["cols"], size):
                s, z, codes, least = optimize(row[begin:begin + size], case)
                scales.append(s)
                zeros.append(int(z))
                text += "".join("%02x" % int(c) for c in codes)
                total += least
        case.update(codes=text, scales=scales, zeroPoints=zeros, norms=total)
        results.append(case)
    json.dump({"madeWith": {"python": sys.version.split()[0], "numpy": np.__version__}, "cases": results}, sys.stdout)
    print()


if __name__ == "__main__":
    main()
