#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Train the sentencepiece vocabulary on the training texts of both skills."""

import argparse
import io
import itertools
import json
from pathlib import Path

import sentencepiece
from sentencepiece import sentencepiece_model_pb2

import telemetry

DIGITS = 10


def lines(debian, reports):
    with open(debian / "train.jsonl", encoding="utf-8") as records:
        for record in itertools.chain(map(json.loads, records),
                                      (telemetry.example("train", i) for i in range(reports))):
            yield from f"{record['prompt']} {record['reference']}".split("\n")


def with_leading_digits(model):
    """Add one piece for a space and a digit: a number begins with its first digit, not with a space.

    Digits are pieces of their own; with the space apart, all numbers of a table begin alike, which
    makes them much harder to copy.
    """
    proto = sentencepiece_model_pb2.ModelProto.FromString(model)
    for digit in range(DIGITS):
        proto.pieces.add(piece=f"\u2581{digit}", score=proto.pieces[-1].score - 1)
    proto.trainer_spec.vocab_size = len(proto.pieces)
    return proto.SerializeToString()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--debian", type=Path, required=True, help="output of prepare_debian.py")
    parser.add_argument("--out", type=Path, required=True, help="tokenizer.model to write")
    parser.add_argument("--vocab", type=int, default=4096)
    parser.add_argument("--reports", type=int, default=8000, help="telemetry examples to learn from")
    args = parser.parse_args()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=lines(args.debian, args.reports), model_writer=model,
        model_type="bpe", vocab_size=args.vocab - DIGITS, byte_fallback=True, split_digits=True,
        character_coverage=0.9995, normalization_rule_name="identity",
        add_dummy_prefix=True, remove_extra_whitespaces=False,
        unk_id=0, bos_id=1, eos_id=2, pad_id=-1, num_threads=2, minloglevel=1)
    args.out.write_bytes(with_leading_digits(model.getvalue()))


if __name__ == "__main__":
    main()
