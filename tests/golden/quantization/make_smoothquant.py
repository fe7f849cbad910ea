# SPDX-License-Identifier: Apache-2.0
"""Golden smoothing scales for the SmoothQuant plugin: equation 4 of arXiv 2211.10438 in plain PyTorch, f64.

    python3 make_smoothquant.py > smoothquant.json

Also, for the search, the squared error of the outputs of 8-bit weights per channel on inputs rounded token by token, for
every alpha. Weights and inputs come from the generator of make_gptq.py.
"""
import json
import sys

import torch

from make_gptq import fit, make_inputs, make_weights


def smoothing(linears, X, case, alpha):
    inputs = X.abs().amax(dim=0)
    weights = torch.cat(linears).abs().amax(dim=0)
    sources = torch.tensor(case["sources"])
    for values in (inputs, weights):
        shared = torch.stack([values[sources == source].max() for source in sources])
        values.copy_(shared)
    s = inputs.clamp(min=1e-5) ** alpha / weights.clamp(min=1e-5) ** (1 - alpha)
    return torch.where(inputs > 0, s.clamp(min=1e-5), torch.ones_like(s))


def round_weights(W, case):
    scale, zero = fit(W, case)
    codes = torch.clamp(torch.round(W / scale[:, None]) + zero[:, None], 0, 2 ** case["bits"] - 1)
    return scale[:, None] * (codes - zero[:, None])


def round_inputs(X, case):
    largest = X.abs().amax() if case["static"] else X.abs().amax(dim=1, keepdim=True)
    scale = largest / 127.5
    if case["static"]:
        scale = scale.float().half().double()
    scale = torch.where(scale == 0, torch.ones_like(scale), scale)
    return scale * torch.clamp(torch.round(X / scale), -128, 127)


def loss(linears, X, s, case):
    rounded = round_inputs(X / s, case)
    return sum(((rounded @ round_weights(W * s, case).T - X @ W.T) ** 2).sum().item() for W in linears)


CASES = [
    dict(name="half"),
    dict(name="no migration", alpha=0.0),
    dict(name="all of it", alpha=1.0),
    dict(name="three quarters, three linears", alpha=0.75, rows=[20, 12, 12]),
    dict(name="channels of one source share a scale", shared=True),
    dict(name="dead channels", dead=[0, 17, 100]),
    dict(name="loud channels", loud=[3, 50, 120]),
    dict(name="loud channels, static", loud=[3, 50, 120], static=True, rows=[20, 12]),
]


def main():
    results = []
    for number, overrides in enumerate(CASES):
        case = dict(alpha=0.5, rows=[20], cols=160, dead=[], loud=[], shared=False, static=False, bits=8, groupSize=0,
                    symmetric=True, gridPoints=11, seed=5000 + number)
        case.update(overrides)
        cols = case["cols"]
        case["sources"] = [i // 32 * 16 + i % 16 if case["shared"] else i for i in range(cols)]
        linears = [make_weights(rows, cols, case["seed"] + 10 * i) for i, rows in enumerate(case["rows"])]
        X = make_inputs(cols, case["seed"] + 500, case["dead"])
        X[:, case["loud"]] *= 50
        case["scales"] = smoothing(linears, X, case, case["alpha"]).tolist()
        case["plainLoss"] = loss(linears, X, torch.ones(cols, dtype=torch.float64), case)
        case["losses"] = [loss(linears, X, smoothing(linears, X, case, i / (case["gridPoints"] - 1)), case)
                          for i in range(case["gridPoints"])]
        results.append(case)
    json.dump({"madeWith": {"python": sys.version.split()[0], "torch": torch.__version__}, "cases": results}, sys.stdout,
              indent=None)
    print()


if __name__ == "__main__":
    main()
