# SPDX-License-Identifier: Apache-2.0
"""Golden ranges of static activation scales, in plain numpy after the published descriptions.

    python3 make_ranges.py > ranges.json

Percentile and squared error: NVIDIA's pytorch-quantization, calib/histogram.py. Entropy: S. Migacz, "8-bit inference with
TensorRT", GTC 2017, pages 34 to 38, with 2^(bits-1) levels. Moving average: PyTorch's MovingAverageMinMaxObserver.
Inputs come from the integer generator of ../quantization/make_gptq.py, three sequences of 80 tokens, rounded to bf16.
"""
import json
import sys

from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent.parent / "quantization"))
from make_gptq import make_inputs  # noqa: E402

BINS, COLS, LENGTH, SEQUENCES = 2048, 40, 80, 3


def sequences(case):
    """Heavy tails by a power; one outlier where the case has one."""
    x = make_inputs(COLS, case["seed"], []).numpy()[:LENGTH * SEQUENCES]
    t, c = np.indices(x.shape)
    spread = (t * 37 + c * 11) % 101 / 50 - 1
    x = (np.sign(x) * np.abs(x) ** case["power"] / 64 + spread + case["shift"]).astype(np.float32)
    if case["outlier"]:
        x[100, 7] = case["outlier"]
    x = torch.from_numpy(x).bfloat16().float().numpy()
    return np.split(x, SEQUENCES)


def histogram(values, reach):
    index = np.minimum((np.abs(values).astype(np.float64) * (BINS / float(reach))).astype(np.int64), BINS - 1)
    return np.bincount(index.ravel(), minlength=BINS)


def percentile_reach(counts, edges, percentile):
    shares = np.cumsum(counts) / counts.sum()
    return edges[np.searchsorted(shares, percentile / 100) + 1]


def squared_error_reach(counts, edges, bits):
    centres = (edges[1:] + edges[:-1]) / 2
    top = 2 ** (bits - 1) - 1
    errors = []
    for reach in centres[top + 1:]:
        scale = reach / top
        rounded = np.clip(np.round(centres / scale), -top, top) * scale
        errors.append(((rounded - centres) ** 2 * counts).mean())
    return centres[top + 1 + int(np.argmin(errors))]


def entropy_reach(counts, edges, bits):
    levels = 2 ** (bits - 1)
    found = []
    for bins in range(levels, BINS + 1):
        P = counts[:bins].astype(np.float64)
        P[-1] += counts[bins:].sum()
        level = np.arange(bins) * levels // bins
        filled = P > 0
        sums = np.bincount(level, weights=counts[:bins], minlength=levels)
        number = np.bincount(level, weights=filled, minlength=levels)
        Q = np.where(filled, sums[level] / np.maximum(number[level], 1), 0)
        if (Q[filled] == 0).any():
            found.append(np.inf)
            continue
        p, q = P[filled] / P.sum(), Q[filled] / sums.sum()
        found.append(float((p * np.log(p / q)).sum()))
    return edges[levels + int(np.argmin(found))]


CASES = [
    dict(name="heavy tails"),
    dict(name="heavy tails, 4 bits", bits=4),
    dict(name="one outlier", outlier=400.0),
    dict(name="shifted", shift=3.0),
    dict(name="even", power=1.0, percentile=99.0),
]


def main():
    results = []
    for number, overrides in enumerate(CASES):
        case = dict(bits=8, power=2.0, shift=0.0, outlier=0.0, percentile=99.9, averagingConstant=0.05, seed=9000 + number)
        case.update(overrides)
        parts = sequences(case)
        whole = np.concatenate(parts)
        low, high = float(min(0, whole.min())), float(max(0, whole.max()))
        reach = max(-low, high)
        counts = histogram(whole, reach)
        edges = reach * np.arange(BINS + 1) / BINS
        average = None
        for part in parts:
            extremes = np.array([min(0, part.min()), max(0, part.max())], dtype=np.float64)
            average = extremes if average is None else average + case["averagingConstant"] * (extremes - average)
        case.update(minmax=[low, high], movingAverage=average.tolist(), counts=int((counts > 0).sum()))
        for key, cut in (("percentileRange", percentile_reach(counts, edges, case["percentile"])),
                         ("mse", squared_error_reach(counts, edges, case["bits"])),
                         ("kl", entropy_reach(counts, edges, case["bits"]))):
            case[key] = [max(low, -float(cut)), min(high, float(cut))]
        results.append(case)
    json.dump({"madeWith": {"python": sys.version.split()[0], "numpy": np.__version__, "torch": torch.__version__}, "cases": results}, sys.stdout,
              indent=None)
    print()


if __name__ == "__main__":
    main()
