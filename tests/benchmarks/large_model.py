#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Quantizes models of one, two, ... blocks in the shape of a 7B Llama with nsmith under a memory limit, and prints peak
memory and its growth per block. The weights are random: the benchmark measures memory, not quality.

The models are written to a scratch directory: 0.5 GB, and 0.4 GB per block. Needs numpy.
"""

import argparse
import json
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy

HIDDEN, INNER, HEADS, VOCABULARY = 4096, 11008, 32, 32000
BF16 = 2


def tensors(blocks: int) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (VOCABULARY, HIDDEN)}
    for block in range(blocks):
        prefix = f"model.layers.{block}."
        shapes[prefix + "input_layernorm.weight"] = (HIDDEN,)
        shapes[prefix + "post_attention_layernorm.weight"] = (HIDDEN,)
        for name in "qkvo":
            shapes[prefix + f"self_attn.{name}_proj.weight"] = (HIDDEN, HIDDEN)
        shapes[prefix + "mlp.gate_proj.weight"] = (INNER, HIDDEN)
        shapes[prefix + "mlp.up_proj.weight"] = (INNER, HIDDEN)
        shapes[prefix + "mlp.down_proj.weight"] = (HIDDEN, INNER)
    shapes["model.norm.weight"] = (HIDDEN,)
    shapes["lm_head.weight"] = (VOCABULARY, HIDDEN)
    return shapes


def write_model(directory: Path, blocks: int, tokenizer: Path) -> None:
    directory.mkdir()
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": HIDDEN,
              "intermediate_size": INNER, "num_hidden_layers": blocks, "num_attention_heads": HEADS,
              "num_key_value_heads": HEADS, "vocab_size": VOCABULARY, "max_position_embeddings": 4096,
              "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "hidden_act": "silu", "tie_word_embeddings": False,
              "torch_dtype": "bfloat16", "bos_token_id": 1, "eos_token_id": 2}
    (directory / "config.json").write_text(json.dumps(config))
    (directory / "tokenizer.model").write_bytes(tokenizer.read_bytes())
    header, offset = {}, 0
    for name, shape in tensors(blocks).items():
        size = int(numpy.prod(shape)) * BF16
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    random = numpy.random.default_rng(1)
    with open(directory / "model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, shape in tensors(blocks).items():
            if len(shape) == 1:
                values = numpy.ones(shape, numpy.float32)
            else:
                values = random.standard_normal(shape, numpy.float32) * numpy.float32(0.02)
            file.write((values.view(numpy.uint32) >> 16).astype("<u2").tobytes())


def quantize(arguments: argparse.Namespace, model: Path, calibration: Path, out: Path) -> dict:
    command = [str(arguments.nsmith), "quantize", str(model), "--method", arguments.method, "--bits", "4",
               "--calibration", str(calibration), "--samples", str(arguments.samples),
               "--window", str(arguments.length), "--memory-limit", str(arguments.memory_limit), "--out", str(out),
               "--log", str(out.parent / "experiments.db"), "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\nfailed:\n{done.stderr[-4000:]}")
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nsmith", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, required=True, help="a sentencepiece tokenizer.model")
    parser.add_argument("--blocks", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--samples", type=int, default=128)
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--method", default="gptq")
    parser.add_argument("--memory-limit", type=int, default=4096, help="MiB")
    arguments = parser.parse_args()
    previous = None
    for blocks in arguments.blocks:
        with tempfile.TemporaryDirectory() as scratch:
            directory = Path(scratch)
            write_model(directory / "model", blocks, arguments.tokenizer)
            ids = numpy.random.default_rng(2).integers(3, VOCABULARY, arguments.samples * arguments.length)
            ids.astype("<i4").tofile(directory / "ids.i32")
            result = quantize(arguments, directory / "model", directory / "ids.i32", directory / "out")
        actual, estimated = result["actual"], result["estimated"]
        peak = actual["peakMemoryBytes"] / 2**20
        growth = "" if previous is None else f"  growth {peak - previous:+.0f} MiB"
        previous = peak
        print(f"{blocks} blocks: {actual['seconds']:.0f} s (estimated {estimated['seconds']:.0f}), peak {peak:.0f} MiB "
              f"(estimated {estimated['peakMemoryBytes'] / 2**20:.0f}), activations on disk: {estimated['spills']}, "
              f"disk {estimated['diskBytes'] / 2**20:.0f} MiB{growth}", flush=True)


if __name__ == "__main__":
    main()
