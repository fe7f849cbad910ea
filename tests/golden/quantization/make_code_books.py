# SPDX-License-Identifier: Apache-2.0
"""Golden code books: exact weighted k-means and powers of two, in plain numpy and f64.

    python3 make_code_books.py > code_books.json

k-means is the quadratic dynamic programme over all intervals of the sorted values, with no shortcut: the reference for
one that has them. "log" is the code book of arXiv 1603.01025, section 3, with the nearest value taken.
"""
import json
import sys

import numpy

CLUSTERINGS = [
    {"count": 37, "clusters": 4, "weighted": False, "zeros": 0, "seed": 1},
    {"count": 64, "clusters": 4, "weighted": True, "zeros": 5, "seed": 2},
    {"count": 100, "clusters": 8, "weighted": True, "zeros": 0, "seed": 3},
    {"count": 200, "clusters": 16, "weighted": True, "zeros": 20, "seed": 4},
    {"count": 5, "clusters": 8, "weighted": False, "zeros": 0, "seed": 5},
]
LOGS = [{"bits": bits, "base": base} for bits in (3, 4, 5, 6) for base in ("2", "sqrt2")]


def kmeans(values, weights, clusters):
    keep = weights > 0
    x, w = values[keep].astype(float), weights[keep].astype(float)
    order = numpy.argsort(x, kind="stable")
    x, w = x[order], w[order]
    n, k = len(x), min(clusters, len(x))

    def cost(a, b):
        mean = numpy.average(x[a:b], weights=w[a:b])
        return float(numpy.sum(w[a:b] * (x[a:b] - mean) ** 2))

    table = [[cost(a, b) if a < b else 0.0 for b in range(n + 1)] for a in range(n)]
    least = [[numpy.inf] * (n + 1) for _ in range(k + 1)]
    begin = [[0] * (n + 1) for _ in range(k + 1)]
    least[0][0] = 0.0
    for j in range(1, k + 1):
        for b in range(j, n + 1):
            for a in range(j - 1, b):
                c = least[j - 1][a] + table[a][b]
                if c < least[j][b]:
                    least[j][b], begin[j][b] = c, a
    centers, end = [], n
    for j in range(k, 0, -1):
        a = begin[j][end]
        centers.append(float(numpy.average(x[a:end], weights=w[a:end])))
        end = a
    return centers[::-1], least[k][n]


def clustering(case):
    rng = numpy.random.default_rng(case["seed"])
    values = rng.standard_normal(case["count"]).astype(numpy.float32)
    weights = numpy.ones(case["count"], numpy.float32)
    if case["weighted"]:
        weights = rng.exponential(1.0, case["count"]).astype(numpy.float32)
    weights[:case["zeros"]] = 0
    centers, cost = kmeans(values, weights, case["clusters"])
    return {**case, "values": [float(v) for v in values],
            "weights": [float(v) for v in weights] if case["weighted"] else [], "centers": centers, "cost": cost}


def logarithmic(case):
    rng = numpy.random.default_rng(9)
    values = (rng.standard_normal(64) * 2.0 ** rng.integers(-6, 1, 64)).astype(numpy.float32)
    base = 2.0 if case["base"] == "2" else numpy.sqrt(2.0)
    steps = 2 ** (case["bits"] - 1) - 1
    levels = [0.0] + [sign * base ** -e for e in range(steps) for sign in (1, -1)]
    scale = float(numpy.max(numpy.abs(values)))
    nearest = [min(levels, key=lambda level: abs(float(v) - scale * level)) for v in values]
    return {**case, "values": [float(v) for v in values], "nearest": [float(numpy.float16(scale * l)) for l in nearest]}


json.dump({"versions": {"numpy": numpy.__version__}, "clusterings": [clustering(c) for c in CLUSTERINGS],
           "logs": [logarithmic(c) for c in LOGS]}, sys.stdout, separators=(",", ":"))
print()
