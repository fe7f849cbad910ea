#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Score the model on the held-out files, as it is and with weights rounded to few bits.

Rounding is simulated: every linear layer except the embedding and output matrix is
replaced by its round-to-nearest value on a symmetric grid, one scale per group of
input channels.
"""

import argparse
import json
import math
from pathlib import Path

import sacrebleu
import torch
from rouge_score.rouge_scorer import RougeScorer
from transformers import AutoModelForCausalLM, AutoTokenizer

ROUGE = ["rouge1", "rouge2", "rougeL"]
WINDOW = 512
MAX_NEW_TOKENS = 200
BATCH = 100


def round_weights(model, bits, group):
    top = 2 ** (bits - 1) - 1
    with torch.no_grad():
        for name, module in model.named_modules():
            if isinstance(module, torch.nn.Linear) and name != "lm_head":
                w = module.weight.view(module.out_features, -1, group)
                scale = (w.abs().amax(-1, keepdim=True) / top).clamp_min(1e-8)
                w.copy_((w / scale).round().clamp(-top - 1, top) * scale)


@torch.no_grad()
def perplexity(model, tokenizer, path, windows):
    """exp of the mean loss over windows of BOS and 511 tokens without overlap."""
    ids = tokenizer(path.read_text(encoding="utf-8"), add_special_tokens=False)["input_ids"]
    ids = ids[:windows * (WINDOW - 1)] if windows else ids
    total = 0.0
    for start in range(0, len(ids), WINDOW - 1):
        window = torch.tensor([[tokenizer.bos_token_id, *ids[start:start + WINDOW - 1]]])
        logits = model(window).logits[0, :-1].float()
        total += torch.nn.functional.cross_entropy(logits, window[0, 1:], reduction="sum").item()
    return math.exp(total / len(ids))


@torch.no_grad()
def answers(model, tokenizer, prompts):
    """Greedy answers up to EOS or a newline."""
    newline = tokenizer.convert_tokens_to_ids("<0x0A>")
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    result = [""] * len(prompts)
    for start in range(0, len(order), BATCH):
        part = order[start:start + BATCH]
        batch = tokenizer([prompts[i] for i in part], padding=True, return_tensors="pt")
        output = model.generate(
            input_ids=batch["input_ids"], attention_mask=batch["attention_mask"],
            do_sample=False, max_new_tokens=MAX_NEW_TOKENS,
            eos_token_id=[tokenizer.eos_token_id, newline], pad_token_id=tokenizer.eos_token_id)
        for i, ids in zip(part, output[:, batch["input_ids"].shape[1]:]):
            text = tokenizer.decode(ids, skip_special_tokens=True)
            result[i] = text.split("\n")[0].strip()
    return result


def main():
    here = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=Path, default=here / "model")
    parser.add_argument("--pairs", type=Path, default=here / "pairs", help="directory of *.jsonl")
    parser.add_argument("--text", type=Path, default=here / "heldout.txt")
    parser.add_argument("--bits", type=int, nargs="*", default=[16, 4, 3])
    parser.add_argument("--group", type=int, default=128)
    parser.add_argument("--limit", type=int, help="pairs per skill")
    parser.add_argument("--windows", type=int, help="windows of the text")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--answers", type=Path, help="directory for the generated answers")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)

    tokenizer = AutoTokenizer.from_pretrained(args.model, padding_side="left")
    tokenizer.pad_token = tokenizer.eos_token
    scorer = RougeScorer(ROUGE, use_stemmer=False)
    print("| weights | skill | perplexity | ROUGE-1 | ROUGE-2 | ROUGE-L | BLEU | exact |")
    print("|---|---|---|---|---|---|---|---|")
    for bits in args.bits:
        model = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32).eval()
        label = "FP16"
        if bits < 16:
            round_weights(model, bits, args.group)
            label = f"RTN {bits} bit"
        ppl = perplexity(model, tokenizer, args.text, args.windows)
        for path in sorted(args.pairs.glob("*.jsonl")):
            with open(path, encoding="utf-8") as lines:
                pairs = [json.loads(line) for line in lines][:args.limit]
            given = answers(model, tokenizer, [p["prompt"] for p in pairs])
            references = [p["reference"] for p in pairs]
            scores = [scorer.score(r, g) for r, g in zip(references, given)]
            rouge = [100 * sum(s[k].fmeasure for s in scores) / len(scores) for k in ROUGE]
            bleu = sacrebleu.corpus_bleu(given, [references]).score
            exact = 100 * sum(r == g for r, g in zip(references, given)) / len(pairs)
            print(f"| {label} | {path.stem} | {ppl:.2f} | " + " | ".join(f"{v:.1f}" for v in rouge)
                  + f" | {bleu:.1f} | {exact:.1f} |", flush=True)
            if args.answers:
                args.answers.mkdir(parents=True, exist_ok=True)
                with open(args.answers / f"{path.stem}-{bits}.jsonl", "w", encoding="utf-8") as out:
                    for p, g in zip(pairs, given):
                        out.write(json.dumps({**p, "answer": g}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
