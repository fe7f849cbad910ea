# SPDX-License-Identifier: Apache-2.0
"""Golden scales, zero points and codes for the HQQ plugin: half-quadratic quantization in plain numpy, f64.

    python3 make_hqq.py > hqq.json

The half-quadratic turns of Badri and Shaji 2023 (shrinkage of the errors, then the zero point by least squares), then the
best of its two neighbours among the codes with scales, f16 values as the files hold them, that cover the range. Weights are those of make_gptq.py with
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
    candidates = [z]
    if not case["symmetric"]:
        x, zero = w / s, -low / s
        for _ in range(case["iterations"]):
            q = np.clip(np.round(x + zero), 0, top)
            e = x - (q - zero)
            size = np.abs(e)
            kept = np.where(size > 0, np.maximum(size - np.where(size > 0, size, 1.0) ** (p - 1) / beta, 0), 0)
            zero = (q - x + np.sign(e) * kept).mean()
            beta *= case["kappa"]
        candidates = [float(np.clip(f(zero), 0, top)) for f in (np.floor, np.ceil)]
    for zero in candidates:
        covering = max(-w.min() / (zero + 0.5), w.max() / (top - zero + 0.5))
        for step in range(13):
            scale = f16(covering * (1 + 0.02 * step))
            if scale >= 2.0**-14 and norm(scale, zero) < least:
                best, least = (scale, zero), norm(scale, zero)
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
