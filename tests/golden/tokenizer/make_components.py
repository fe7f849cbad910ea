# SPDX-License-Identifier: Apache-2.0
"""Writes components.json: small tokenizers out of the parts a tokenizer.json can have, and what `tokenizers` makes of texts.

Made with tokenizers 0.23.3 and sentencepiece 0.2.3 (`python make_components.py`); everything is trained on the sentences of
make_golden.py. The table of replacements ("Precompiled") is compiled by sentencepiece from a few rules.
"""
import base64
import json
import pathlib
import re
import tempfile

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

here = pathlib.Path(__file__).parent
source = (here / "make_golden.py").read_text()
corpus = eval(re.search(r"corpus = (\[.*?\n\]) \* 20", source, re.S).group(1)) * 20
texts = corpus[:10] + [
    "", " ", "  two  blanks  ", "a\n\n b\t\tc \r\n d", "I'M WE'VE they'll", "12345 67.89 ½ ²³ ٣٤", "nai\u0308ve café Ångström \u212b",
    "emoji 🙂🙃 👨‍👩‍👧", "tabs\tand\u00a0no-break\u2003spaces", "!!! --- ... ###", "CamelCase snake_case", "ß ſt ﬁ İstanbul ΣΑΣ",
    "हिन्दी में", "가각힣 한국", "\u3000full　width ＡＢＣ ｶﾞ", "q\u0307\u0323 a\u0328\u0301", "<s>The board</s>", "a <mask> b", "a<mask>b", " <PAD>  x",
    "two<word>words <word> here <Word>", "[word]。<word>。", "ab\u200dcd ⓐ x̲y"]


def bpe(tokenizer, size=140, limit=70, **options):
    tokenizer.train_from_iterator(corpus, trainers.BpeTrainer(vocab_size=size, show_progress=False, limit_alphabet=limit, **options))
    return tokenizer


def unicode_forms():
    for name, form in [("NFC", normalizers.NFC()), ("NFD", normalizers.NFD()), ("NFKC", normalizers.NFKC()), ("NFKD", normalizers.NFKD())]:
        tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
        tokenizer.normalizer = form
        tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        tokenizer.decoder = decoders.Fuse()
        extra = ["é", "ï", "ï", "i", "\u0308", "\u0301", "Å", "\u030a", "\u0323", "\u0307", "\u0328", "ą́", "ᄀ", "ᅡ", "ᆨ", "가", "각", "힣", "fi", "1⁄2", "½",
                 "⁄", "²", "ﬁ", "ſ", "s", "ガ", "ｶ", "ﾞ", "カ", "゙", "Ａ", "A", "ộ", "ệ"]
        bpe(tokenizer, special_tokens=["<unk>"], initial_alphabet=[c for c in extra if len(c) == 1])
        yield name, tokenizer


def lowercase():
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase(), normalizers.Strip()])
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.decoder = decoders.Fuse()
    bpe(tokenizer, special_tokens=["<unk>", "[CLS]", "[SEP]"])
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    return tokenizer


def byte_level():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Punctuation(), pre_tokenizers.Digits(individual_digits=True),
                                                       pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    bpe(tokenizer, 320, 256, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.add_special_tokens(["<s>", "</s>"])
    tokenizer.add_tokens([AddedToken("<pad>", lstrip=True, rstrip=True, normalized=True), AddedToken("<mask>", lstrip=True, normalized=False),
                          AddedToken("<word>", single_word=True, normalized=True)])
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", tokenizer.token_to_id("</s>")), ("<s>", tokenizer.token_to_id("<s>")))
    return tokenizer


def prefixed_byte_level():
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    bpe(tokenizer, 320, 256, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.add_tokens([AddedToken("<mask>", rstrip=True), AddedToken("<word>", single_word=True)])
    return tokenizer


def metaspace(scheme, split):
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme, split=split)
    tokenizer.decoder = decoders.Metaspace(prepend_scheme=scheme, split=split)
    bpe(tokenizer, special_tokens=["<unk>", "<s>"])
    state = json.loads(tokenizer.to_str())
    for byte in range(256):
        state["model"]["vocab"][f"<0x{byte:02X}>"] = len(state["model"]["vocab"])
    tokenizer = Tokenizer.from_str(json.dumps(state))
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
                                          + ([decoders.Strip(" ", 1, 0)] if scheme != "never" else []))
    tokenizer.add_tokens([AddedToken("<mask>", normalized=True), AddedToken("<word>", single_word=True, normalized=False)])
    return tokenizer


def gemma_like():
    tokenizer = metaspace("never", False)
    state = json.loads(tokenizer.to_str())
    state["normalizer"] = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
    state["pre_tokenizer"] = {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False}
    state["model"]["fuse_unk"] = True
    return Tokenizer.from_str(json.dumps(state))


def compiled_rules():
    with tempfile.TemporaryDirectory() as folder:
        rules = pathlib.Path(folder) / "rules.tsv"
        pairs = [("ﬁ", "fi"), ("²", "2"), ("½", "1/2"), ("\u00a0", " "), ("Å", "A"), ("…", "..."), ("!", "."), ("e\u0301", "é")]
        rules.write_text("".join(" ".join(f"{ord(c):X}" for c in a) + "\t" + " ".join(f"{ord(c):X}" for c in b) + "\n" for a, b in pairs))
        prefix = str(pathlib.Path(folder) / "m")
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(corpus), model_prefix=prefix, vocab_size=200, model_type="unigram",
                                                 normalization_rule_tsv=str(rules), hard_vocab_limit=False, minloglevel=2)
        from sentencepiece import sentencepiece_model_pb2 as pb
        proto = pb.ModelProto()
        proto.ParseFromString(pathlib.Path(prefix + ".model").read_bytes())
        return proto.normalizer_spec.precompiled_charsmap


def unigram(byte_fallback, charsmap=None):
    special = ["<unk>", "<s>", "</s>"] + ([f"<0x{byte:02X}>" for byte in range(256)] if byte_fallback else [])
    trained = Tokenizer(models.Unigram())
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    trained.train_from_iterator(corpus, trainers.UnigramTrainer(vocab_size=120, show_progress=False, special_tokens=["<unk>"], unk_token="<unk>"))
    pieces = [entry for entry in json.loads(trained.to_str())["model"]["vocab"] if entry[0] not in special]
    tokenizer = Tokenizer(models.Unigram([(piece, 0.0) for piece in special] + [tuple(p) for p in pieces], 0, byte_fallback))
    parts = [normalizers.Precompiled(charsmap)] if charsmap else []
    tokenizer.normalizer = normalizers.Sequence(parts + [normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)])
    return tokenizer


cases = dict(unicode_forms())
cases |= {"lowercase": lowercase(), "byte-level, normalized": byte_level(), "byte-level, prefix": prefixed_byte_level(),
          "metaspace, first": metaspace("first", True), "metaspace, always": metaspace("always", False), "gemma-like": gemma_like(),
          "unigram, bytes": unigram(True), "unigram, table": unigram(False, compiled_rules())}
rows = []
for name, tokenizer in cases.items():
    encode = lambda text, special: tokenizer.encode(text, add_special_tokens=special).ids
    rows.append({"name": name, "tokenizer": json.loads(tokenizer.to_str()),
                 "ids": [encode(t, False) for t in texts], "withSpecial": [encode(t, True) for t in texts],
                 "decoded": [tokenizer.decode(encode(t, False), skip_special_tokens=False) for t in texts]})
(here / "components.json").write_text(json.dumps({"texts": texts, "cases": rows}, ensure_ascii=False) + "\n")
