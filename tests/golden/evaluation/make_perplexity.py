#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes perplexity.json: negative log-likelihoods of transformers on the published stories260K model, f32.

pip install torch==2.13.0 transformers; NIBBLESMITH_TEST_DATA is the folder that holds stories260K/.
llamaCpp: chunks whose first token is replaced by BOS, predictions made at positions context/2 .. context-2.
windows: chunks as they are, every prediction.
"""
import json
import math
import os
import pathlib

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer

CONTEXT = 48


def nll(model, chunk):
    with torch.no_grad():
        logits = model(torch.tensor([chunk])).logits[0].double()
    return -torch.log_softmax(logits, -1)[torch.arange(len(chunk) - 1), torch.tensor(chunk[1:])]


def summary(values):
    mean = sum(values) / len(values)
    variance = sum(v * v for v in values) / len(values) - mean * mean
    return {"nll": [round(v, 7) for v in values], "perplexity": math.exp(mean),
            "standardError": math.sqrt(variance / (len(values) - 1)) * math.exp(mean)}


def main():
    data = pathlib.Path(os.environ["NIBBLESMITH_TEST_DATA"]) / "stories260K"
    model = AutoModelForCausalLM.from_pretrained(data / "hf", dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(data / "hf")
    text = ("Once upon a time, there was a little boy named Tim. He had a red car and a big dog. One day, Tim and his dog "
            "went to the park to play. They saw a girl who was sad, because she lost her ball. Tim said, \"Do not worry, "
            "we can help you.\" They looked under the tree and found the ball. The girl was happy and said thank you. ")
    tokens = tokenizer(text)["input_ids"]
    chunks = [tokens[i:i + CONTEXT] for i in range(0, len(tokens) - CONTEXT + 1, CONTEXT)]
    first = CONTEXT // 2
    llama = [v for c in chunks for v in nll(model, [model.config.bos_token_id] + c[1:])[first:].tolist()]
    windows = [v for c in chunks for v in nll(model, c).tolist()]
    result = {"versions": {"torch": torch.__version__, "transformers": transformers.__version__}, "context": CONTEXT,
              "bos": model.config.bos_token_id, "tokens": tokens, "llamaCpp": summary(llama), "windows": summary(windows)}
    path = pathlib.Path(__file__).with_name("perplexity.json")
    path.write_text(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
