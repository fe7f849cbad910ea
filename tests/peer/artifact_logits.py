# SPDX-License-Identifier: Apache-2.0
"""Opens an artifact with transformers and compressed-tensors.

Usage: artifact_logits.py ARTIFACT REQUEST.json ANSWER.json
The request holds "ids" (one sequence) and "texts"; the answer the f32 logits of every position, and the ids of
every text with and without special tokens.
"""
import json
import sys

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer


def main():
    artifact, request, answer = sys.argv[1:]
    with open(request, encoding="utf-8") as file:
        asked = json.load(file)
    torch.set_num_threads(2)
    tokenizer = AutoTokenizer.from_pretrained(artifact)
    texts = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in asked["texts"]]
    special = [tokenizer(text)["input_ids"] for text in asked["texts"]]
    model = AutoModelForCausalLM.from_pretrained(artifact, dtype=torch.float32)
    model.eval()
    with torch.no_grad():
        logits = model(torch.tensor([asked["ids"]])).logits[0].float()
    with open(answer, "w", encoding="utf-8") as file:
        json.dump({"transformers": transformers.__version__, "logits": logits.tolist(), "texts": texts,
                   "special": special, "class": type(tokenizer).__name__}, file)


main()
