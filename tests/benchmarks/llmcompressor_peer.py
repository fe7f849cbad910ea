# SPDX-License-Identifier: Apache-2.0
"""Quantizes a model with llm-compressor on given token ids and prints one JSON line: seconds, perplexity, peak memory.

The model is a GGUF file, dequantized by transformers; the text is given as raw little-endian int32 ids in windows of
equal length. Perplexity is exp of the mean negative log-likelihood of all predictions inside the windows, in f32.
"""

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

import numpy
import torch
from datasets import Dataset
from llmcompressor import oneshot
from llmcompressor.modifiers.autoround import AutoRoundModifier
from llmcompressor.modifiers.gptq import GPTQModifier
from llmcompressor.modifiers.quantization import QuantizationModifier
from llmcompressor.modifiers.transform.awq import AWQModifier
from llmcompressor.modifiers.transform.smoothquant import SmoothQuantModifier
from transformers import AutoModelForCausalLM, AutoTokenizer


def windows(path: Path, length: int) -> torch.Tensor:
    ids = numpy.fromfile(path, dtype="<i4").astype(numpy.int64)
    return torch.from_numpy(ids[: len(ids) // length * length].reshape(-1, length))


def scheme(bits: int, group: int, symmetric: bool) -> dict:
    weights = {"num_bits": bits, "type": "int", "strategy": "group", "group_size": group, "symmetric": symmetric}
    return {"group_0": {"targets": ["Linear"], "weights": weights}}


def recipe(arguments: argparse.Namespace) -> list:
    kept = ["lm_head"]
    if arguments.method == "smoothquant":
        return [SmoothQuantModifier(smoothing_strength=0.5), QuantizationModifier(targets="Linear", scheme="W8A8", ignore=kept)]
    groups = scheme(arguments.bits, arguments.group_size, arguments.method != "awq")
    if arguments.method == "gptq":
        return [GPTQModifier(config_groups=groups, ignore=kept)]
    if arguments.method == "autoround":
        return [AutoRoundModifier(config_groups=groups, ignore=kept, iters=50)]
    return [AWQModifier(), QuantizationModifier(config_groups=groups, ignore=kept)]


def perplexity(model: torch.nn.Module, text: torch.Tensor) -> float:
    total, count = 0.0, 0
    with torch.no_grad():
        for window in text:
            logits = model(window[None]).logits[0].float()
            loss = torch.nn.functional.cross_entropy(logits[:-1], window[1:], reduction="sum")
            total, count = total + loss.item(), count + len(window) - 1
    return float(numpy.exp(total / count))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--method", choices=["gptq", "awq", "autoround", "smoothquant"], required=True)
    parser.add_argument("--calibration", type=Path, required=True)
    parser.add_argument("--evaluation", type=Path, required=True)
    parser.add_argument("--samples", type=int, default=128)
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--bits", type=int, default=4)
    parser.add_argument("--group-size", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    if not torch.cuda.is_available():
        # Version 0.14 pins its cached activations even if there is no device to copy them to.
        torch.Tensor.pin_memory = lambda tensor, *_: tensor
    with tempfile.TemporaryDirectory() as scratch:
        dequantize(arguments.model, scratch)
        print(json.dumps(measure(arguments, scratch)))


def dequantize(gguf: Path, directory: str) -> None:
    """Writes the files of a Hugging Face model, which llm-compressor needs."""
    source = AutoModelForCausalLM.from_pretrained(str(gguf.parent), gguf_file=gguf.name, dtype=torch.bfloat16)
    # transformers marks a model read from a GGUF file as quantized, and then refuses to save it.
    if hasattr(source.config, "quantization_config"):
        del source.config.quantization_config
    plain = AutoModelForCausalLM.from_config(source.config, dtype=torch.bfloat16)
    plain.load_state_dict(source.state_dict())
    plain.save_pretrained(directory)
    AutoTokenizer.from_pretrained(str(gguf.parent), gguf_file=gguf.name).save_pretrained(directory)


def measure(arguments: argparse.Namespace, directory: str) -> dict:
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.bfloat16)
    tokenizer = AutoTokenizer.from_pretrained(directory)
    samples = windows(arguments.calibration, arguments.length)
    samples = samples[torch.linspace(0, len(samples) - 1, arguments.samples).long()]
    data = Dataset.from_dict({"input_ids": samples.tolist(), "attention_mask": torch.ones_like(samples).tolist()})
    begin = time.perf_counter()
    oneshot(
        model=model,
        processor=tokenizer,
        dataset=data,
        recipe=recipe(arguments),
        num_calibration_samples=arguments.samples,
        max_seq_length=arguments.length,
    )
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    value = perplexity(model.float(), windows(arguments.evaluation, arguments.length))
    return {"seconds": seconds, "perplexity": value, "peakMemoryBytes": peak}


if __name__ == "__main__":
    main()
