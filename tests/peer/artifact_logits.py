# SPDX-License-Identifier: Apache-2.0
"""Opens an artifact with transformers and compressed-tensors or bitsandbytes.

Usage: artifact_logits.py ARTIFACT REQUEST.json ANSWER.json
The request contains "ids" (one sequence) and "texts"; the answer contains the f32 logits of every position, and the
ids of every text with and without special tokens.
"""
import json
import sys

from pathlib import Path

import torch
import transformers
from compressed_tensors.compressors.pack_quantized import PackedQuantizationCompressor
from compressed_tensors.quantization import QuantizationConfig, apply_quantization_config
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer


def decompressed(artifact, config):
    """Returns the model with its linears unpacked by compressed-tensors itself.

    Needed for asymmetric artifacts: transformers expects unpacked zero points while it loads, and therefore
    refuses every such checkpoint, including those of llm-compressor (vllm-project/llm-compressor issue 1618).
    """
    quantization = QuantizationConfig.model_validate(config.quantization_config)
    del config.quantization_config
    schemes = AutoModelForCausalLM.from_config(config)
    apply_quantization_config(schemes, quantization)
    tensors = load_file(Path(artifact) / "model.safetensors")
    for name, module in schemes.named_modules():
        if f"{name}.weight_packed" in tensors:
            parts = {key: tensors.pop(f"{name}.{key}")
                     for key in ("weight_packed", "weight_scale", "weight_zero_point", "weight_shape")
                     if f"{name}.{key}" in tensors}
            parts["weight_scale"] = parts["weight_scale"].float()  # the decompressed weights have its type
            tensors[f"{name}.weight"] = PackedQuantizationCompressor.decompress(
                parts, module.quantization_scheme)["weight"]
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    missing, unexpected = model.load_state_dict({k: v.float() for k, v in tensors.items()}, strict=False)
    assert not unexpected and set(missing) <= {"lm_head.weight"}, (missing, unexpected)
    model.tie_weights()
    return model


def through_bitsandbytes(artifact):
    """Returns the model as a user opens it, with its linears then dequantized by bitsandbytes itself: its products on a
    CPU are in bf16, which would hide small errors of the weights."""
    from bitsandbytes.functional import dequantize_4bit
    model = AutoModelForCausalLM.from_pretrained(artifact, dtype=torch.float32, device_map="cpu")
    packed = [(name, module) for name, module in model.named_modules() if type(module).__name__ == "Linear4bit"]
    assert packed, "no linear was opened as 4-bit"
    for name, module in packed:
        weight = dequantize_4bit(module.weight.data, module.weight.quant_state).float()
        linear = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=module.bias is not None)
        linear.weight.data = weight
        if module.bias is not None:
            linear.bias.data = module.bias.data
        model.set_submodule(name, linear)
    for parameter in model.parameters():
        parameter.data = parameter.data.float()
    return model


def eight_bits(artifact):
    """Returns the model as transformers opens it, with f32 weights, because bitsandbytes' products are in f16."""
    model = AutoModelForCausalLM.from_pretrained(artifact, dtype=torch.float32, device_map="cpu")
    linears = {name: module for name, module in model.named_modules() if type(module).__name__ == "Linear8bitLt"}
    assert linears, "no linear was opened as 8-bit"
    for name, module in linears.items():
        scales = module.weight.SCB if module.weight.SCB is not None else module.state.SCB
        plain = torch.nn.Linear(module.in_features, module.out_features, bias=module.bias is not None)
        plain.weight.data = module.weight.data.float() * scales.float()[:, None] / 127
        if module.bias is not None:
            plain.bias.data = module.bias.data.float()
        model.set_submodule(name, plain)
    for tensor in [*model.parameters(), *model.buffers()]:
        tensor.data = tensor.data.float()
    return model


def open_artifact(artifact):
    config = AutoConfig.from_pretrained(artifact)
    if not hasattr(config, "quantization_config"):
        return AutoModelForCausalLM.from_pretrained(artifact, dtype=torch.float32)
    if config.quantization_config["quant_method"] == "bitsandbytes":
        if config.quantization_config["load_in_8bit"]:
            return eight_bits(artifact)
        return through_bitsandbytes(artifact)
    groups = config.quantization_config["config_groups"].values()
    if all(group["weights"]["symmetric"] for group in groups):
        return AutoModelForCausalLM.from_pretrained(artifact, dtype=torch.float32)
    return decompressed(artifact, config)


def main():
    artifact, request, answer = sys.argv[1:]
    with open(request, encoding="utf-8") as file:
        asked = json.load(file)
    torch.set_num_threads(2)
    tokenizer = AutoTokenizer.from_pretrained(artifact) if asked["texts"] else None
    texts = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in asked["texts"]]
    special = [tokenizer(text)["input_ids"] for text in asked["texts"]]
    model = open_artifact(artifact)
    model.eval()
    with torch.no_grad():
        logits = model(torch.tensor([asked["ids"]])).logits[0].float()
    with open(answer, "w", encoding="utf-8") as file:
        json.dump({"transformers": transformers.__version__, "logits": logits.tolist(), "texts": texts,
                   "special": special, "class": type(tokenizer).__name__}, file)


main()
