#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes porter_stems.txt and metrics.json: what rouge-score, sacrebleu and NLTK say of words and texts made here.

pip install rouge-score==0.1.2 sacrebleu==2.6.0 nltk==3.10.4
"""
import importlib.metadata
import json
import pathlib
import random

from nltk.stem.porter import PorterStemmer
from rouge_score import rouge_scorer
from sacrebleu.metrics import BLEU

HERE = pathlib.Path(__file__).parent
STEMS = """a b y tr th fl hop fil fail hiss fizz fall tann bl siz conflat troubl agre plaster happ enjo s k toy syz
relat condit ration valenc digit conform radic vile analog vietnam predic oper feudal decis hope callous form sensit
electr triplic reviv infer airlin gyroscop adjust defens irrit replac depend adopt homolog commun activ bowdler prob
geo theo archaeo control rol 4x 8bit x264 yyyy yy aiy""".split()
SUFFIXES = """sses ies ss s ied eed ed ing at bl iz ating bling izing y ational tional enci anci izer bli abli alli
entli eli ousli ization ation ator alism iveness fulness ousness aliti iviti biliti fulli logi icate ative alize iciti
ical ful ness al ance ence er ic able ible ant ement ment ent ion sion tion ou ism ate iti ous ive ize e le ll lle
alliti ationalli tionalli allies yed ying ys""".split()
IRREGULAR = """sky skies dying lying tying news innings inning outings outing cannings canning howe proceed exceed
succeed proceeds dies died tie ties spied""".split()

TEXTS = [
    "", " ", "\n", "the", "The cat sat on the mat.", "the cat sat on the mat", "THE CAT SAT ON THE MAT!",
    "A dog-\neared book, page 3,000.50 (e.g. \"half\") cost 5-10 EUR; 1990s-era...",
    "Tom &amp; Jerry &lt;3 &quot;quoted&quot; &gt; &amp;lt; <skipped>gone</skipped>",
    "first line\nsecond line of it\n\nthird line, the last",
    "second line of that\nfirst line\nthe third line is last",
    "police killed the gunman", "the gunman police killed", "the the the the the", "the the",
    "na\u00efve caf\u00e9 \u2014 \u201cdouble\u201d \u00bfqu\u00e9?", "na\u00efve cafe - double que",
    "\u212aelvin \u0130stanbul i stanbul kelvin", "kelvin istanbul",
    "non\u00a0breaking\u2003em\u3000wide\u1680ogham\x1cfs\x85nel\u2028ls", "non breaking em wide ogham fs nel ls",
    "\u00e9.\u00e9,\u00e9 .. ,, 1.2.3 1,a a,1 .5 5. -5 5-5 5--5 a-b", "1.2.3 .. 5 - 5 a-b {x} [y] `z` it's",
    "trailing spaces \u3000\u2009 \n", "running runs ran runner easily fairly generalizations", "run easy fair general",
    "\u4eca\u5929\u5929\u6c14\u5f88\u597d\u3002", "\u4eca\u5929 \u5929\u6c14",
    "fan 3 vibration rose to 7.2 mm/s; bearing wear suspected", "bearing wear is suspected: fan 3 vibrates at 7.2 mm/s",
]


def random_text(rng):
    words = "the a of motor motors running pump failed fails failing 12 7.5 hot, over-heated. normal (ok) normally".split()
    lines = [" ".join(rng.choice(words) for _ in range(rng.randint(0, 14))) for _ in range(rng.randint(1, 4))]
    return "\n".join(lines)


def main():
    stemmer = PorterStemmer()
    words = sorted({stem + suffix for stem in STEMS for suffix in SUFFIXES} | set(IRREGULAR) | set(STEMS))
    (HERE / "porter_stems.txt").write_text("".join(f"{w} {stemmer.stem(w)}\n" for w in words))

    rng = random.Random(7)
    pairs = [(a, b) for i, a in enumerate(TEXTS) for b in (TEXTS[i], TEXTS[(i + 1) % len(TEXTS)], TEXTS[i - 1])]
    pairs += [(random_text(rng), random_text(rng)) for _ in range(60)]
    kinds = ["rouge1", "rouge2", "rougeL", "rougeLsum"]
    scorers = {name: rouge_scorer.RougeScorer(kinds, use_stemmer=use) for name, use in (("plain", False), ("stem", True))}
    sentence, corpus = BLEU(effective_order=True), BLEU()
    cases = []
    for prediction, reference in pairs:
        case = {"prediction": prediction, "reference": reference,
                "bleu": sentence.sentence_score(prediction, [reference]).score,
                "tokens": corpus.tokenizer(prediction.rstrip()).split()}
        for name, scorer in scorers.items():
            scores = scorer.score(reference, prediction)
            case[name] = {kind: list(scores[kind]) for kind in kinds}
        cases.append(case)
    whole = corpus.corpus_score([p for p, _ in pairs], [[r for _, r in pairs]])
    result = {
        "versions": {name: importlib.metadata.version(name) for name in ("rouge-score", "sacrebleu", "nltk")},
        "signatures": [str(corpus.get_signature()), str(sentence.get_signature())],
        "corpus": {"bleu": whole.score, "precisions": whole.precisions, "bp": whole.bp, "sysLen": whole.sys_len,
                   "refLen": whole.ref_len},
        "cases": cases,
    }
    (HERE / "metrics.json").write_text(json.dumps(result, indent=0, ensure_ascii=True) + "\n")


if __name__ == "__main__":
    main()
