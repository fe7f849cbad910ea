# SPDX-License-Identifier: Apache-2.0
"""Writes tiktoken/: the byte-level vocabulary of byte_level/ as a file of ranks, and what tiktoken makes of texts with it.

Made with tiktoken 0.14.0, its pattern and special tokens those of QwenLM/Qwen, tokenization_qwen.py, which normalizes to NFC.
"""
import base64
import json
import pathlib
import re
import unicodedata

import tiktoken

here = pathlib.Path(__file__).parent
state = json.loads((here / "byte_level" / "tokenizer.json").read_text())
added = {token["id"] for token in state["added_tokens"]}
printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
symbols = {chr(byte): byte for byte in printable}
symbols |= {chr(0x100 + i): byte for i, byte in enumerate(b for b in range(256) if b not in printable)}
tokens = [bytes(symbols[c] for c in text) for text, i in sorted(state["model"]["vocab"].items(), key=lambda e: e[1]) if i not in added]
ranks = {token: rank for rank, token in enumerate(tokens)}
pattern = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
names = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"] + [f"<|extra_{i}|>" for i in range(205)]
special = {name: len(tokens) + i for i, name in enumerate(names)}
encoding = tiktoken.Encoding("qwen", pat_str=pattern, mergeable_ranks=ranks, special_tokens=special)

texts = [row["text"] for row in json.loads((here / "byte_level" / "ids.json").read_text())]
texts += ["nai\u0308ve", "<|im_start|>user\nHi<|im_end|><|extra_7|>"]
rows = [{"text": t, "ids": encoding.encode(unicodedata.normalize("NFC", t), allowed_special="all")} for t in texts]
(here / "tiktoken").mkdir(exist_ok=True)
(here / "tiktoken" / "qwen.tiktoken").write_text("".join(f"{base64.b64encode(t).decode()} {r}\n" for t, r in ranks.items()))
(here / "tiktoken" / "ids.json").write_text(json.dumps(rows, ensure_ascii=False) + "\n")
