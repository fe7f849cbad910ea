#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the files beside the model: held-out pairs, held-out text, calibration prompts.

Reads heldout.jsonl and calibration.jsonl of prepare_debian.py and generates the
telemetry examples with seeds of their own.
"""

import argparse
import json
import random
from pathlib import Path

import telemetry

PAIRS = 200
CALIBRATION = 320  # per skill
HELDOUT_BYTES = 240_000


def read_jsonl(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def write_jsonl(path, records):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8") as out:
        for record in records:
            out.write(json.dumps(record, ensure_ascii=False) + "\n")


def one_per_source(records, rng):
    """The records in random order, the first one of each source in front."""
    records = rng.sample(records, len(records))
    seen, first, rest = set(), [], []
    for r in records:
        (rest if r["source"] in seen else first).append(r)
        seen.add(r["source"])
    return first, rest


def full(record):
    return f"{record['prompt']} {record['reference']}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--debian", type=Path, required=True, help="output of prepare_debian.py")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rng = random.Random(args.seed)

    first, _ = one_per_source(read_jsonl(args.debian / "heldout.jsonl"), rng)
    write_jsonl(args.out / "pairs" / "synopsis.jsonl", first[:PAIRS])
    write_jsonl(args.out / "pairs" / "health_report.jsonl",
                [telemetry.example("pairs", i) for i in range(PAIRS)])

    text, size = [], 0
    for i, record in enumerate(first[PAIRS:]):
        for r in (record, telemetry.example("text", i)):
            if size < HELDOUT_BYTES:
                text.append(full(r))
                size += len(text[-1].encode()) + 2
    (args.out / "heldout.txt").write_text("\n\n".join(text) + "\n", encoding="utf-8")

    known, _ = one_per_source(read_jsonl(args.debian / "calibration.jsonl"), rng)
    known = [r for r in known if len(full(r)) >= 450][:CALIBRATION]
    made = [telemetry.example("calibration", i) for i in range(2 * CALIBRATION)]
    made = [r for r in made if len(full(r)) >= 450][:CALIBRATION]
    prompts = [{"prompt": full(r), "source": r["source"]} for r in known + made]
    rng.shuffle(prompts)
    (args.out / "calibration.json").write_text(
        json.dumps(prompts, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"held-out text: {size} bytes, {len(text)} examples; calibration: {len(prompts)} prompts")


if __name__ == "__main__":
    main()
