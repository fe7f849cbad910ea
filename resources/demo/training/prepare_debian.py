#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make the "package description -> synopsis" examples from a Debian package index.

The index is the one every Debian machine keeps for APT: `Packages` gives the
package, its source and the synopsis, `Translation-en` the long description.
Many container images leave the translations out; fetch them with

    apt-get update -o Acquire::Languages=en

Records go to three disjoint files, train.jsonl, calibration.jsonl and
heldout.jsonl. The split is by source package (version digits removed, so that
two versions of one compiler stay together), and a calibration or held-out
record that shares a paragraph or its synopsis with a training record is dropped.
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

MAX_DESCRIPTION = 640  # characters; keeps an example well below 384 tokens
MAX_PER_SOURCE = 3
BOILERPLATE = re.compile(
    r"transitional|dummy|metapackage|meta-package|debug(ging)? symbols|"
    r"rust source code|feature \"|empty package",
    re.IGNORECASE,
)


def apt_indexes(options, kind):
    """Paths of the index files of Debian main, without updates and security."""
    command = ["apt-get", "indextargets", "-o", "Acquire::Languages=en", *options, "--format",
               "$(FILENAME)\t$(CREATED_BY)\t$(COMPONENT)\t$(CODENAME)\t$(ORIGIN)"]
    lines = subprocess.run(command, check=True, text=True, capture_output=True).stdout
    rows = (line.split("\t") for line in lines.splitlines())
    return [row[0] for row in rows
            if row[1] == kind and row[2] == "main" and "-" not in row[3] and row[4] == "Debian"]


def stanzas(path, options):
    """Yield the deb822 stanzas of an index file, whatever its compression."""
    text = subprocess.run(["/usr/lib/apt/apt-helper", *options, "cat-file", path],
                          check=True, capture_output=True).stdout.decode("utf-8")
    for block in text.split("\n\n"):
        fields, name = {}, None
        for line in block.split("\n"):
            if line.startswith((" ", "\t")):
                if name:
                    fields[name] += "\n" + line
            elif ":" in line:
                name, value = line.split(":", 1)
                fields[name] = value.strip()
        if fields:
            yield fields


def paragraphs(description):
    """Long description (Debian Policy 5.6.13) as a list of plain paragraphs."""
    result, current = [], []

    def flush():
        if current:
            result.append(" ".join(current))
            current.clear()

    for line in description.split("\n")[1:]:
        text = line.strip()
        if text == ".":
            flush()
            continue
        if line.startswith("  ") or re.match(r"[*+o-] ", text):  # verbatim line or list item
            if re.match(r"[*+o-] ", text):
                flush()
        current.append(" ".join(text.split()))
    flush()
    return [p for p in result if not re.match(r"(homepage|see|https?)\b[^ ]* ?\S*$", p, re.I)]


def shorten(paras):
    """Leading paragraphs up to MAX_DESCRIPTION characters, cut at a sentence."""
    text = "\n".join(paras)
    if len(text) <= MAX_DESCRIPTION:
        return text
    head = text[:MAX_DESCRIPTION]
    cut = max(head.rfind(". ") + 1, head.rfind("\n"))
    return head[:cut if cut > 200 else head.rfind(" ")].rstrip()


def family(source):
    return re.sub(r"[-.]?\d[\d.]*", "", source) or source


def split_of(name, seed):
    value = int(hashlib.sha256(f"{seed}:{name}".encode()).hexdigest()[:8], 16) / 2**32
    return "heldout" if value < 0.06 else "calibration" if value < 0.10 else "train"


def keys(record):
    """What two records must not share across the split."""
    body = [p.lower() for p in record["paragraphs"] if len(p) >= 60]
    return {*body, record["reference"].lower()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="directory for the three files")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--apt-option", action="append", default=[], metavar="KEY=VALUE",
                        help="configuration for apt, e.g. Dir::State::lists=DIR")
    args = parser.parse_args()
    options = [part for o in args.apt_option for part in ("-o", o)]

    long_text = {}
    for path in apt_indexes(options, "Translations"):
        for s in stanzas(path, options):
            if "Description-en" in s:
                long_text[s["Description-md5"]] = s["Description-en"]
    if not long_text:
        sys.exit("no English descriptions; run: apt-get update -o Acquire::Languages=en")

    records, per_source, seen = [], Counter(), set()
    for path in apt_indexes(options, "Packages"):
        for s in sorted(stanzas(path, options), key=lambda s: s["Package"]):
            package, synopsis = s["Package"], s.get("Description", "").split("\n")[0].strip()
            source = s.get("Source", package).split()[0]
            paras = paragraphs(long_text.get(s.get("Description-md5"), ""))
            text = shorten(paras)
            if not 12 <= len(synopsis) <= 90 or len(text) < 100 or BOILERPLATE.search(synopsis):
                continue
            if (text, synopsis) in seen or per_source[source] >= MAX_PER_SOURCE:
                continue
            seen.add((text, synopsis))
            per_source[source] += 1
            records.append({
                "prompt": f"Package: {package}\nDescription: {text}\nSynopsis:",
                "reference": " ".join(synopsis.split()), "source": source, "paragraphs": paras,
            })

    parts = {"train": [], "calibration": [], "heldout": []}
    for r in records:
        parts[split_of(family(r["source"]), args.seed)].append(r)
    trained = set().union(*(keys(r) for r in parts["train"]))
    args.out.mkdir(parents=True, exist_ok=True)
    for name, part in parts.items():
        if name != "train":
            part = [r for r in part if not keys(r) & trained]
        with open(args.out / f"{name}.jsonl", "w", encoding="utf-8") as out:
            for r in part:
                r = {k: r[k] for k in ("prompt", "reference", "source")}
                out.write(json.dumps(r, ensure_ascii=False) + "\n")
        print(f"{name}: {len(part)} records, {len({r['source'] for r in part})} sources")


if __name__ == "__main__":
    main()
