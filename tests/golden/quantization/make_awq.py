# SPDX-License-Identifier: Apache-2.0
"""Golden scales and clipping bounds for the AWQ plugin: section 3.2 of arXiv 2306.00978 in plain PyTorch, f64.

    python3 make_awq.py > awq.json

The losses are computed from the inputs themselves, as the paper has them; the plugin computes them from the inputs'
second moment. Weights and inputs come from the generator of make_gptq.py.
"""
import json
import sys

import numpy
import torch

from make_gptq import TOKENS, fit, make_inputs, make_weights


def nearest(W, case):
    """Q(W) [rows, n], group by group."""
    size = case["groupSize"] or W.shape[1]
    parts = []
    for begin in range(0, W.shape[1], size):
        w = W[:, begin:begin + size]
        scale, zero = fit(w, case)
        scale, zero = scale[:, None], zero[:, None]
        codes = torch.clamp(torch.round(w / scale) + zero, 0, 2 ** case["bits"] - 1)
        parts.append(scale * (codes - zero))
    return torch.cat(parts, dim=1)


def search(linears, X, case):
    """s of equation 4 with the best alpha of equation 5, and the loss of every alpha."""
    magnitude = X.abs().mean(dim=0)
    sources = torch.tensor(case["sources"])
    tied = torch.stack([magnitude[sources == source].mean() for source in sources])
    tied = torch.clamp(tied, min=1e-4 * tied.max())
    losses, scales = [], []
    for point in range(case["gridPoints"]):
        s = tied ** (point / case["gridPoints"])
        s = s / torch.sqrt(s.max() * s.min()) if point else torch.ones_like(s)
        losses.append(sum((((nearest(W * s, case) / s - W) @ X.T) ** 2).sum().item() for W in linears))
        scales.append(s)
    best = min(range(len(losses)), key=lambda i: losses[i])
    return scales[best], losses, best


def clip(W, X, case):
    """The bound of every group of every row with the least output error of that group alone."""
    size = case["groupSize"] or W.shape[1]
    bounds = []
    for begin in range(0, W.shape[1], size):
        w, x = W[:, begin:begin + size], X[:, begin:begin + size]
        largest = w.abs().max(dim=1).values
        least = torch.full_like(largest, float("inf"))
        best = largest.clone()
        for candidate in range(10):
            bound = largest * (1 - 0.05 * candidate)
            cut = torch.minimum(torch.maximum(w, -bound[:, None]), bound[:, None])
            loss = (((nearest(cut, {**case, "groupSize": 0}) - w) @ x.T) ** 2).sum(dim=1)
            better = loss < least
            least[better], best[better] = loss[better], bound[better]
        bounds.append(best)
    return torch.stack(bounds, dim=1)


CASES = [
    dict(name="symmetric"),
    dict(name="asymmetric", symmetric=False),
    dict(name="3 bits", bits=3),
    dict(name="two linears", rows=[20, 12]),
    dict(name="one group per row", groupSize=0),
    dict(name="tail group", cols=176, groupSize=48, symmetric=False),
    dict(name="channels of one source share a scale", shared=True),
    dict(name="dead channels", dead=[0, 17, 100]),
]


def main():
    results = []
    for number, overrides in enumerate(CASES):
        case = dict(bits=4, groupSize=32, symmetric=True, gridPoints=20, rows=[20], cols=160, dead=[], shared=False,
                    seed=3000 + number)
        case.update(overrides)
        cols = case["cols"]
        # As two query heads of 16 that read one value head.
        case["sources"] = [i // 32 * 16 + i % 16 if case["shared"] else i for i in range(cols)]
        linears = [make_weights(rows, cols, case["seed"] + 10 * i) for i, rows in enumerate(case["rows"])]
        X = make_inputs(cols, case["seed"] + 500, case["dead"])
        s, losses, best = search(linears, X, case)
        case["scales"] = s.tolist()
        case["best"] = best
        case["losses"] = [2.0 / TOKENS * value for value in losses]
        case["bounds"] = clip(linears[0], X, case).flatten().tolist()
        results.append(case)
    json.dump({"madeWith": {"python": sys.version.split()[0], "torch": torch.__version__,
                            "numpy": numpy.__version__}, "cases": results}, sys.stdout, indent=None)
    print()


if __name__ == "__main__":
    main()
