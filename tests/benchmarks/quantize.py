#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Quantizes one model with nsmith and with llm-compressor, one after the other on the same token ids, and prints
seconds, perplexity, peak memory, the ratio of the times, and the speed of nsmith as a fraction of this machine's peak.

Run it on an idle machine by './nib bench'. The seconds exclude loading and saving.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Case:
    name: str
    nsmith: list[str]
    peer: str | None = None  # method of llmcompressor_peer.py
    samples: int = 128
    peer_samples: int = 128
    works_on_hessian: bool = True
    grid: tuple[str, ...] = ("--bits", "4", "--group-size", "64")


CASES = [
    Case("GPTQ, symmetric", ["--method", "gptq"], "gptq"),
    Case("AWQ, asymmetric", ["--method", "awq", "--symmetric", "false"], "awq", peer_samples=16, works_on_hessian=False),
    Case(
        "AWQ scales, GPTQ and coordinate descent, asymmetric",
        ["--method", "coordinate_descent", "--transform", "awq", "--clip", "false", "--symmetric", "false"],
    ),
    Case(
        "rotation, GPTQ and coordinate descent, asymmetric",
        ["--method", "coordinate_descent", "--transform", "rotation", "--symmetric", "false"],
        "autoround",
        peer_samples=32,
    ),
    Case(
        "SmoothQuant, 8-bit weights and inputs",
        ["--method", "smoothquant", "--alpha", "0.5", "--activations", "int8"],
        "smoothquant",
        samples=32,
        peer_samples=32,
        works_on_hessian=False,
        grid=("--bits", "8", "--granularity", "channel"),
    ),
]


def run(command: list[str], environment: dict[str, str] | None = None) -> dict:
    """Runs a program and returns the JSON in the last line of its output."""
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\nfailed:\n{done.stderr[-4000:]}")
    text = done.stdout.strip()
    return json.loads(text if text.startswith("{") else text.splitlines()[-1])


def measure_nsmith(case: Case, samples: int, arguments: argparse.Namespace, scratch: Path) -> dict:
    out = scratch / case.name.replace(" ", "-")
    log = ["--log", str(scratch / "experiments.db")]
    threads = ["--threads", str(arguments.threads)]
    text = ["--calibration", str(arguments.data / "calib_128x512.i32"), "--samples", str(samples), "--window", "512"]
    quantized = run([str(arguments.nsmith), "quantize", str(arguments.model), *case.nsmith, *case.grid, *text,
                     "--out", str(out), "--json", *log, *threads])
    evaluated = run([str(arguments.nsmith), "eval", str(out), "--text", str(arguments.data / "eval_32x512.i32"),
                     "--window", "512", "--json", *log, *threads])
    actual = quantized["actual"]
    return {
        "seconds": actual["seconds"],
        "perplexity": evaluated["perplexity"]["value"],
        "peakMemoryBytes": actual["peakMemoryBytes"],
        "phases": quantized["phases"],
        "estimated": quantized["estimated"],
    }


def measure_peer(case: Case, samples: int, arguments: argparse.Namespace) -> dict:
    script = Path(__file__).with_name("llmcompressor_peer.py")
    return run([str(arguments.python), str(script), "--model", str(arguments.model), "--method", case.peer,
                "--calibration", str(arguments.data / "calib_128x512.i32"),
                "--evaluation", str(arguments.data / "eval_32x512.i32"),
                "--samples", str(samples), "--threads", str(arguments.threads)],
               os.environ | {"OMP_NUM_THREADS": str(arguments.threads)})


def line(name: str, result: dict, note: str = "") -> None:
    print(f"{name:<58}{result['seconds']:>8.1f} s  perplexity {result['perplexity']:>7.2f}  "
          f"{result['peakMemoryBytes'] / 2**20:>6.0f} MiB  {note}", flush=True)


def products(arguments: argparse.Namespace) -> dict:
    return run([str(arguments.gemm), "--threads", str(arguments.threads)])


def report_products(case: Case, samples: int, result: dict, peak: dict) -> None:
    """Prints the speed of forward passes and Hessians: useful operations divided by the measured seconds.

    A round-to-nearest method computes its Hessians from 8 tokens per channel, at least 8192."""
    tokens = samples * 512
    gathered = (lambda width: tokens) if case.works_on_hessian else (lambda width: min(tokens, max(8 * width, 8192)))
    hidden, inner, blocks, key_value = 576, 1536, 30, 192
    linears = hidden * (2 * hidden + 2 * key_value + 3 * inner) * blocks
    attention = 2 * hidden * 512 / 2 * blocks
    forward = 2e-9 * tokens * (linears + attention)
    hessian = 2e-9 * blocks * (3 * gathered(hidden) * hidden**2 + gathered(inner) * inner**2) / 2
    for name, operations, products_of in (("forward", forward, "int8"), ("hessian", hessian, "bf16")):
        speed = operations / result["phases"][name]
        best = peak[products_of]
        print(f"    {name}: {speed:.0f} GFLOP/s, {100 * speed / best:.0f} % of {best:.0f} ({products_of} products)")
    print("    seconds: " + ", ".join(f"{name} {value:.1f}" for name, value in result["phases"].items()), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nsmith", type=Path, required=True)
    parser.add_argument("--gemm", type=Path, required=True, help="the program gemm_speed")
    parser.add_argument("--python", type=Path, required=True, help="an interpreter with llm-compressor")
    parser.add_argument("--model", type=Path, required=True, help="SmolLM2-135M-Instruct as a GGUF file")
    parser.add_argument("--data", type=Path, required=True, help="directory of calib_128x512.i32 and eval_32x512.i32")
    parser.add_argument("--samples", type=int, default=128)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--case", type=int, action="append", choices=range(len(CASES)), help="only this one")
    parser.add_argument("--alone", action="store_true", help="without llm-compressor")
    arguments = parser.parse_args()
    peak = products(arguments)
    print(f"matrix products on {arguments.threads} threads: f32 {peak['f32']:.0f}, bf16 {peak['bf16']:.0f}, "
          f"int8 {peak['int8']:.0f} GFLOP/s")
    with tempfile.TemporaryDirectory() as scratch:
        for number in arguments.case or range(len(CASES)):
            case = CASES[number]
            samples = min(case.samples, arguments.samples)
            ours = measure_nsmith(case, samples, arguments, Path(scratch))
            line(f"nsmith: {case.name}, {samples} samples", ours, "estimated: "
                 f"{ours['estimated']['seconds']:.1f} s, {ours['estimated']['peakMemoryBytes'] / 2**20:.0f} MiB")
            report_products(case, samples, ours, peak)
            if case.peer and not arguments.alone:
                samples = min(case.peer_samples, arguments.samples)
                peer = measure_peer(case, samples, arguments)
                line(f"llm-compressor: {case.peer}, {samples} samples", peer,
                     f"{peer['seconds'] / ours['seconds']:.2f} times nsmith's")


if __name__ == "__main__":
    main()
