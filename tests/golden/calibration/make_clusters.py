# SPDX-License-Identifier: Apache-2.0
"""Writes clusters.json: k-means++ seeds and Lloyd's iterations on a few points, by numpy.

Written for the test after Arthur and Vassilvitskii 2007 (section 2.2) and Lloyd 1982; the generator is MT19937-64 after
Matsumoto and Nishimura (std::mt19937_64). Made with numpy; the version is in the file.
"""
import json
import pathlib

import numpy as np

MASK = (1 << 64) - 1


class Mt64:
    def __init__(self, seed):
        self.state = [seed & MASK]
        for i in range(1, 312):
            last = self.state[-1]
            self.state.append((6364136223846793005 * (last ^ (last >> 62)) + i) & MASK)
        self.at = 312

    def __call__(self):
        if self.at == 312:
            for i in range(312):
                x = (self.state[i] & 0xFFFFFFFF80000000) | (self.state[(i + 1) % 312] & 0x7FFFFFFF)
                self.state[i] = self.state[(i + 156) % 312] ^ (x >> 1) ^ (0xB5026F5AA96619E9 if x & 1 else 0)
            self.at = 0
        x = self.state[self.at]
        self.at += 1
        x ^= (x >> 29) & 0x5555555555555555
        x ^= (x << 17) & 0x71D67FFFEDA60000
        x ^= (x << 37) & 0xFFF7EEE000000000
        return (x ^ (x >> 43)) & MASK

    def below(self, bound):
        rejected = (1 << 64) % bound
        while True:
            value = self()
            if value <= MASK - rejected:
                return value % bound

    def uniform(self):
        return (self() >> 11) * 2.0**-53


assert [Mt64(5489)() for _ in range(1)] == [14514284786278117030]


def seeds(points, k, seed):
    generator = Mt64(seed)
    chosen = [generator.below(len(points))]
    while len(chosen) < min(k, len(points)):
        distances = ((points[:, None] - points[chosen][None]) ** 2).sum(2).min(1)
        if distances.sum() == 0:
            break
        chosen.append(int(np.searchsorted(np.cumsum(distances), generator.uniform() * distances.sum(), side="right")))
    return chosen


def lloyd(points, centres):
    of = np.full(len(points), -1)
    for _ in range(100):
        distances = ((points[:, None] - centres[None]) ** 2).sum(2)
        new = distances.argmin(1)
        if (new == of).all():
            break
        of = new
        centres = np.stack([points[of == c].mean(0) if (of == c).any() else centres[c] for c in range(len(centres))])
    distances = ((points[:, None] - centres[None]) ** 2).sum(2)
    return of, centres, distances[np.arange(len(points)), of]


def order(of, distances, k):
    members = [sorted(np.flatnonzero(of == c), key=lambda p: distances[p]) for c in range(k)]
    return [int(m[r]) for r in range(len(of)) for m in members if r < len(m)]


random = np.random.default_rng(7)
rows = []
for count, dimensions, blobs, k, seed in [(60, 3, 4, 4, 1), (200, 8, 12, 10, 2), (37, 5, 37, 37, 3), (5, 2, 5, 9, 4)]:
    middles = random.normal(size=(blobs, dimensions)) * 3
    points = (middles[random.integers(blobs, size=count)] + random.normal(size=(count, dimensions)) * 0.7).astype(np.float32)
    values = points.astype(np.float64)
    first = seeds(values, k, seed)
    of, centres, distances = lloyd(values, values[first])
    rows.append({"points": [[float(x) for x in p] for p in points], "k": k, "seed": seed, "seeds": first,
                 "of": of.tolist(), "centres": centres.round(7).tolist(), "order": order(of, distances, len(first))})
path = pathlib.Path(__file__).parent / "clusters.json"
path.write_text(json.dumps({"numpy": np.__version__, "cases": rows}) + "\n")
