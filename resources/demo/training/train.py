#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Train the demo model from scratch on the CPU and export it in Hugging Face layout.

Muon moves the hidden matrices, AdamW the embedding and the norms.
The learning rate warms up, stays, and falls linearly over the last part of the
run. A checkpoint is written regularly; the same command continues from it, and
--steps may be changed as long as the falling part has not begun. On a busy machine
--minutes ends this run by its processor time, learning rate included.
"""

import argparse
import json
import math
import random
import shutil
import time
from pathlib import Path

import numpy
import sentencepiece
import torch
import torch.nn.functional as F
from safetensors.torch import save

import telemetry
from model import CONFIG, Llama

BOS, EOS = 1, 2
NEWLINES = [13, 13]  # the byte pieces of two newlines: 3 special pieces stand before the 256 bytes
POOL = 64  # examples to choose from when a row is filled
ANSWER_WEIGHT = 3.0
TABLE_WEIGHT = 0.2  # a table is mostly random digits
JOINED = 0.25  # share of rows in which the examples make one text


def encode(tokenizer, record):
    """Token ids and loss weights of one example, without BOS and EOS."""
    ids = tokenizer.encode(f"{record['prompt']} {record['reference']}")
    prompt = len(tokenizer.encode(record["prompt"]))
    asked = TABLE_WEIGHT if record["source"].startswith("telemetry ") else 1.0
    return ids, [asked] * prompt + [ANSWER_WEIGHT] * (len(ids) - prompt)


def packed(examples, length, rng):
    """Rows of `length` tokens made of whole examples: one that is cut has no table to look at.

    Most rows hold texts of their own, BOS text EOS. In the others the examples stand in one text,
    separated by an empty line, as in the held-out text. What is left of a row is padding of weight 0.
    """
    pool = []
    while True:
        members, room = [], length
        while True:
            while len(pool) < POOL and (more := next(examples, None)):
                pool.append(more)
            fitting = [n for n, (ids, _) in enumerate(pool) if len(ids) + 2 <= room]
            if not fitting:
                break
            longest = max(fitting, key=lambda n: len(pool[n][0]))
            members.append(pool.pop(longest if members else fitting[0]))
            room -= len(members[-1][0]) + 2  # BOS and EOS, or two newlines in place of one space
        if not members:
            return
        # What waited longest in the pool is short: in this order, a text's beginning would tell its length.
        rng.shuffle(members)
        row, weights = joined(members) if rng.random() < JOINED else apart(members)
        rest = length - len(row)
        yield row + [EOS] * rest, weights + [0.0] * rest


def apart(members):
    row, weights = [], []
    for ids, part in members:
        row += [BOS] + ids + [EOS]
        weights += [0.0] + part + [ANSWER_WEIGHT]
    return row, weights


def joined(members):
    row, weights = [BOS] + members[0][0], [0.0] + members[0][1]
    for ids, part in members[1:]:  # the leading space belongs to the start of a text only
        row += NEWLINES + ids[1:]
        weights += [ANSWER_WEIGHT, 1.0] + part[1:]
    return row + [EOS], weights + [ANSWER_WEIGHT]


def rows(tokenizer, debian, reports, drills, length, seed):
    """Endless packed rows (tokens, weights) of length + 1, epoch after epoch."""
    for epoch in range(1000):
        rng = random.Random(f"{seed}:{epoch}")
        share = drills if epoch == 0 else drills / 4
        made = [(telemetry.drill if rng.random() < share else telemetry.example)(
            "train", epoch * reports + i) for i in range(reports)]
        order = rng.sample(debian + made, len(debian) + len(made))
        yield from packed((encode(tokenizer, r) for r in order), length + 1, rng)


def rate(step, progress, args):
    if step < args.warmup:
        return args.lr * (step + 1) / args.warmup
    return args.lr * min(1.0, max(0.02, (1 - progress) / args.decay))


def export(model, tokenizer_model, out):
    """Write the Hugging Face folder; each file is replaced at once."""
    out.mkdir(parents=True, exist_ok=True)

    def put(name, write):
        write(out / (name + ".new"))
        (out / (name + ".new")).rename(out / name)

    def put_json(name, value):
        put(name, lambda path: path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8"))

    put_json("config.json", CONFIG)
    put_json("generation_config.json",
             {"bos_token_id": BOS, "eos_token_id": EOS, "do_sample": False, "max_new_tokens": 160})
    special = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    put_json("special_tokens_map.json", special)
    put_json("tokenizer_config.json", {
        "tokenizer_class": "LlamaTokenizer", **special, "add_bos_token": True,
        "add_eos_token": False, "add_prefix_space": True, "clean_up_tokenization_spaces": False,
        "legacy": True, "model_max_length": CONFIG["max_position_embeddings"],
        "sp_model_kwargs": {},
        "added_tokens_decoder": {
            str(i): {"content": token, "lstrip": False, "normalized": False, "rstrip": False,
                     "single_word": False, "special": True}
            for i, token in enumerate(("<unk>", "<s>", "</s>"))}})
    put("tokenizer.model", lambda path: shutil.copyfile(tokenizer_model, path))
    weights = {k: v.detach().to(torch.float16).contiguous() for k, v in model.state_dict().items()}
    put("model.safetensors",
        lambda path: path.write_bytes(save(weights, metadata={"format": "pt"})))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--debian", type=Path, required=True, help="output of prepare_debian.py")
    parser.add_argument("--tokenizer", type=Path, required=True, help="tokenizer.model")
    parser.add_argument("--checkpoint", type=Path, required=True, help="file to keep and continue")
    parser.add_argument("--out", type=Path,
                        default=Path(__file__).resolve().parent.parent / "model")
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--batch", type=int, default=7, help="rows per step")
    parser.add_argument("--length", type=int, default=512, help="tokens per row")
    parser.add_argument("--reports", type=int, default=22000, help="telemetry examples per epoch")
    parser.add_argument("--drills", type=float, default=0.4,
                        help="share of the telemetry examples that only look rows up, in the first epoch;"
                        " a quarter of it after that")
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--muon", type=float, default=2.0,
                        help="learning rate of the hidden matrices, in units of --lr")
    parser.add_argument("--minutes", type=float, default=math.inf,
                        help="end this run after so many minutes of processor time per thread")
    parser.add_argument("--warmup", type=int, default=200)
    parser.add_argument("--decay", type=float, default=0.35, help="share of the run")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--compile", action="store_true", help="faster; needs a C++ compiler")
    parser.add_argument("--bf16", action="store_true",
                        help="bfloat16 products; faster where the processor has them")
    parser.add_argument("--every", type=int, default=100, help="steps between checkpoints")
    parser.add_argument("--export-every", type=int, default=0, help="steps between exports (0: end)")
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    tokenizer = sentencepiece.SentencePieceProcessor(model_file=str(args.tokenizer))
    with open(args.debian / "train.jsonl", encoding="utf-8") as lines:
        debian = [json.loads(line) for line in lines]

    model = Llama()
    hidden = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    others = [p for n, p in model.named_parameters() if p.ndim != 2 or "embed" in n]
    optimizers = [
        torch.optim.Muon(hidden, lr=args.lr, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, lr=args.lr, betas=(0.9, 0.98), weight_decay=0.0, fused=True)]
    scales = [args.muon, 1.0]
    start = 0
    if args.checkpoint.exists():
        state = torch.load(args.checkpoint)
        model.load_state_dict(state["model"])
        for optimizer, saved in zip(optimizers, state["optimizers"]):
            optimizer.load_state_dict(saved)
        start = state["step"]
    data = rows(tokenizer, debian, args.reports, args.drills, args.length, args.seed)
    for _ in range(start * args.batch):
        next(data)

    def objective(inputs, targets, weights):
        with torch.autocast("cpu", torch.bfloat16, enabled=args.bf16):
            logits = model(inputs)
        losses = F.cross_entropy(logits.float().flatten(0, 1), targets, reduction="none")
        return (losses * weights).sum() / weights.sum()

    if args.compile:
        objective = torch.compile(objective)

    def minutes():  # a paused run does not age
        return time.process_time() / 60 / args.threads

    mean, told = None, time.time()
    for step in range(start, args.steps):
        progress = max(step / args.steps, minutes() / args.minutes)
        lr = rate(step, progress, args)
        for optimizer, scale in zip(optimizers, scales):
            for group in optimizer.param_groups:
                group["lr"] = scale * lr
        tokens, weights = zip(*(next(data) for _ in range(args.batch)))
        tokens = torch.from_numpy(numpy.array(tokens, dtype=numpy.int64))
        weights = torch.from_numpy(numpy.array(weights, dtype=numpy.float32))[:, 1:].flatten()
        loss = objective(tokens[:, :-1], tokens[:, 1:].flatten(), weights)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        mean = loss.item() if mean is None else 0.95 * mean + 0.05 * loss.item()
        done, last = step + 1, step + 1 == args.steps or progress >= 1
        if done % 20 == 0:
            speed = 20 * args.batch * args.length / (time.time() - told)
            told = time.time()
            print(f"{time.strftime('%H:%M:%S')} step {done}/{args.steps} loss {mean:.3f} "
                  f"lr {lr:.2e} {speed:.0f} tokens/s", flush=True)
        if done % args.every == 0 or last:
            new = args.checkpoint.with_suffix(".new")
            torch.save({"model": model.state_dict(), "step": done,
                        "optimizers": [o.state_dict() for o in optimizers]}, new)
            new.rename(args.checkpoint)
        if last or args.export_every and done % args.export_every == 0:
            export(model, args.tokenizer, args.out)
        if last:
            break


if __name__ == "__main__":
    main()
