# SPDX-License-Identifier: Apache-2.0
"""Golden values for rounded inputs: linears with 8-bit weights and 8- or 4-bit inputs, and LLM.int8, in plain PyTorch.

    python3 make_activations.py > activations.json

Codes and scales after the published definitions: calculate_qparams of compressed-tensors for int8 and int4, section 3.2
of arXiv 2208.07339 for LLM.int8 with outliers found token by token. Outputs are computed in f64 from the integer codes.
Weights and inputs come from the integer generator of ../quantization/make_gptq.py, so that both sides have the same.
"""
import json
import sys

from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent.parent / "quantization"))
from make_gptq import make_inputs, make_weights  # noqa: E402

TOKENS, IN, OUT = 6, 100, 9


def weights(seed):
    """Codes -128..127 with one f16 scale per row."""
    W = make_weights(OUT, IN, seed)
    scale = (2 * W.abs().amax(dim=1) / 255).half().double()
    return torch.clamp(torch.round(W / scale[:, None]), -128, 127), scale


def quantize(x, case):
    """Codes, scale and zero point by token; f32 where the definition computes in f32."""
    low, high = -2 ** (case["bits"] - 1), 2 ** (case["bits"] - 1) - 1
    x = x.float()
    reduced = x.flatten()[None] if case["granularity"] == "tensor" else x
    minimum = reduced.amin(dim=1).clamp(max=0)
    maximum = reduced.amax(dim=1).clamp(min=0)
    if case["symmetric"]:
        scale = torch.maximum(-minimum, maximum) / ((high - low) / 2)
        zero = torch.zeros_like(scale)
    else:
        scale = (maximum - minimum) / (high - low)
        zero = torch.clamp(torch.round(low - minimum / scale), low, high)
    if case["static"]:
        scale = scale.half().float()
        if not case["symmetric"]:
            zero = torch.clamp(torch.round(low - minimum / scale), low, high)
    scale, zero = scale.expand(len(x)), zero.expand(len(x))
    scale = torch.where(scale == 0, torch.ones_like(scale), scale)
    zero = torch.where(torch.isnan(zero), torch.zeros_like(zero), zero)
    codes = torch.round(torch.clamp(x / scale[:, None] + zero[:, None], low, high))
    return codes, scale, zero


def llm_int8(x, threshold):
    """Codes with outliers at 0, scales, and the outliers."""
    x = x.float()
    outlier = x.abs() >= threshold
    inner = torch.where(outlier, torch.zeros_like(x), x)
    scale = inner.abs().amax(dim=1) / 127
    scale = torch.where(scale == 0, torch.ones_like(scale), scale)
    return torch.round(inner / scale[:, None]), scale, torch.where(outlier, x, torch.zeros_like(x))


CASES = [
    dict(name="8 bits per token"),
    dict(name="8 bits per token asymmetric", symmetric=False),
    dict(name="8 bits per tensor", granularity="tensor"),
    dict(name="8 bits per tensor asymmetric", granularity="tensor", symmetric=False),
    dict(name="8 bits static", granularity="tensor", static=True),
    dict(name="8 bits static asymmetric", granularity="tensor", static=True, symmetric=False),
    dict(name="4 bits per token", bits=4),
    dict(name="4 bits per token asymmetric", bits=4, symmetric=False),
    dict(name="LLM.int8", threshold=6.0),
    dict(name="LLM.int8, few outliers", threshold=15.0),
]


def main():
    results = []
    for number, overrides in enumerate(CASES):
        case = dict(bits=8, granularity="token", symmetric=True, static=False, threshold=0.0, seed=7000 + number)
        case.update(overrides)
        # Uneven on purpose, with an all-zero token and one whose values are all positive.
        x = make_inputs(IN, case["seed"], [])[:TOKENS].double() / 7 + 0.3
        x[2] = 0
        x[4] = x[4].abs()
        codes, scale = weights(case["seed"] + 50)
        if case["threshold"] > 0:
            q, xs, rest = llm_int8(x, case["threshold"])
            zero = torch.zeros_like(xs)
            assert 0 < (rest != 0).sum() < rest.numel()
        else:
            q, xs, zero = quantize(x, case)
            rest = torch.zeros_like(x)
        inner = xs.double()[:, None] * (q.double() - zero.double()[:, None])
        y = (inner + rest.double()) @ (codes * scale[:, None]).T
        case.update(codes=q.int().flatten().tolist(), scales=xs.tolist(), zeroPoints=zero.int().tolist(),
                    outputs=y.flatten().tolist())
        results.append(case)
    json.dump({"madeWith": {"python": sys.version.split()[0], "torch": torch.__version__}, "tokens": TOKENS,
               "inFeatures": IN, "outFeatures": OUT, "cases": results}, sys.stdout, indent=None)
    print()


if __name__ == "__main__":
    main()
