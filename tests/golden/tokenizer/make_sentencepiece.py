# SPDX-License-Identifier: Apache-2.0
"""Writes sentencepiece.json: small models of sentencepiece with every kind of piece and rule, texts, and the library's ids.

Made with sentencepiece 0.2.0 (`python make_sentencepiece.py`); 0.1.97 gives the same. The models are put together here, from
pieces that nobody trained: equal scores, user-defined and unused pieces inside of others, blanks in all places.
"""
import base64
import json
import pathlib
import random
import struct

import sentencepiece

here = pathlib.Path(__file__).parent
random.seed(14)
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
UNIGRAM, BPE = 1, 2
alphabet = list("abcde") + ["▁"] * 3 + ["é", "Ａ", "①", "中", "\n", "1", " ", ".", "🙂", "ﬁ"]


def varint(value):
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + varint(value >> 7)


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def fields(message):
    at = 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
    while at < len(message):
        tag = number()
        size = {0: 0, 1: 8, 5: 4}.get(tag & 7)
        if tag & 7 == 0:
            yield tag >> 3, number()
            continue
        size = number() if size is None else size
        yield tag >> 3, message[at:at + size]
        at += size


def small_table():
    """The compiled replacements of the model beside this script."""
    model = (here / "sentencepiece_unigram_rules/tokenizer.model").read_bytes()
    normalizer = next(value for name, value in fields(model) if name == 3)
    return next(value for name, value in fields(normalizer) if name == 2)


def make_model(kind):
    with_bytes = random.random() < 0.3
    pieces = [("<unk>", 0.0, UNKNOWN), ("<s>", 0.0, CONTROL), ("</s>", 0.0, CONTROL)]
    pieces += [(f"<0x{byte:02X}>", 0.0, BYTE) for byte in range(256) if with_bytes]
    known = {piece[0] for piece in pieces}
    ties = random.random() < 0.4

    def add(text, type):
        score = -random.random() * 20
        if text not in known:
            known.add(text)
            pieces.append((text, float(round(score)) if ties else score, type))

    for character in sorted(set(alphabet)):
        if random.random() < 0.9:
            add(character, NORMAL if random.random() < 0.95 else UNUSED)
    for _ in range(40):
        text = "".join(random.choice(alphabet) for _ in range(random.choice([2, 2, 2, 3, 3, 4, 6])))
        add(text, random.choices([NORMAL, USER_DEFINED, UNUSED], [88, 6, 6])[0])
    for _ in range(60):  # of others, so that joining leads from one to the next
        left, right = random.choice(pieces[3:]), random.choice(pieces[3:])
        if {left[2], right[2]} <= {NORMAL, UNUSED}:
            add(left[0] + right[0], NORMAL if random.random() < 0.9 else UNUSED)
    trainer = field(3, kind) + field(35, int(with_bytes)) + field(24, int(random.random() < 0.15))
    table = field(2, small_table()) if random.random() < 0.4 else b""
    normalizer = field(1, b"golden") + table + field(3, int(random.random() < 0.8)) + field(4, int(random.random() < 0.4)) + \
        field(5, int(random.random() < 0.85))
    proto = b"".join(field(1, field(1, text.encode()) + field(2, score) + field(3, type)) for text, score, type in pieces)
    return proto + field(2, trainer) + field(3, normalizer), [text for text, _, type in pieces if type in (NORMAL, USER_DEFINED)]


def make_text(pieces):
    others = [" ", " ", "  ", "   ", "zz", "q", "\t", "<s>", "ß", "\u3000", "\ufffd", "e\u0301"]
    parts = alphabet + others + random.sample(pieces, 5)
    text = "".join(random.choice(parts) for _ in range(random.choice([0, 1, 2, 3, 5, 10, 30]))).encode()
    if random.random() < 0.2:  # bytes that are no UTF-8
        for _ in range(2):
            at = random.randint(0, len(text))
            text = text[:at] + bytes([random.randint(128, 255)]) + text[at:]
    return text


models = []
for index in range(24):
    proto, pieces = make_model([UNIGRAM, BPE][index % 2])
    processor = sentencepiece.SentencePieceProcessor(model_proto=proto)
    rows = [[base64.b64encode(text).decode(), processor.encode(text)] for text in (make_text(pieces) for _ in range(40))]
    models.append({"model": base64.b64encode(proto).decode(), "rows": rows})
(here / "sentencepiece.json").write_text(json.dumps(models, separators=(",", ":")) + "\n")
