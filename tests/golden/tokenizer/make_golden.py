# SPDX-License-Identifier: Apache-2.0
"""Writes the small tokenizers of this folder and what their own libraries make of a few texts.

Made with tokenizers 0.23.3 and sentencepiece 0.2.3 (`python make_golden.py`); everything is trained on the sentences below.
"""
import json
import pathlib
import tempfile

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

here = pathlib.Path(__file__).parent
corpus = [
    "The small model runs on the small board.", "Weights are stored in four bits, 16 to a word.",
    "The board has two cores and 512 megabytes.", "It's measured, we've said, and they'll see it's so.",
    "def add(a, b):\n    return a + b\n", "Größe und Länge: 3,5 m und 12 kg.", "Скорость модели измеряют в токенах.",
    "数字 123 と 4567。", "The model's answers weren't changed by rounding.", "x = [1, 22, 333, 4444]",
] * 20
texts = corpus[:10] + [
    "", " ", "  two  blanks  ", "\n", "a\n\n b\t\tc \r\n d", "I'M WE'VE they'll o'clock", "12345 67.89 ½ ²³ ٣٤",
    "naïve café Ångström", "emoji 🙂🙃 family 👨‍👩‍👧", "tabs\tand\u00a0no-break\u2003spaces", "!!! ??? --- ... ###",
    "CamelCaseWord snake_case_word", "ß ſt ﬁ İstanbul", "हिन्दी में", "word" * 30, " " * 40 + "x",
]
special_texts = ["<s>The board</s>", "a <mask> b", "a<mask>b", "  <pad>  x", "two<word>words <word> here", "<s> <s>The"]

patterns = {
    "gpt2": r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    "llama3": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "qwen2": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "tekken": r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
}


def cuts():
    split = pre_tokenizers.Split
    cases = [split(Regex(pattern), "isolated") for pattern in patterns.values()]
    for behavior in ["isolated", "removed", "merged_with_previous", "merged_with_next", "contiguous"]:
        cases.append(split(Regex(r"[ .]"), behavior))
        cases.append(split(Regex(r"\w+"), behavior, invert=True))
        cases.append(split("l", behavior))
    cases += [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.Digits(individual_digits=False),
              pre_tokenizers.Punctuation(), pre_tokenizers.Punctuation("merged_with_previous"),
              pre_tokenizers.Sequence([pre_tokenizers.Digits(True), split(Regex(patterns["gpt2"]), "isolated")]),
              pre_tokenizers.Metaspace(), pre_tokenizers.Metaspace(prepend_scheme="never")]
    rows = []
    for case in cases:
        holder = Tokenizer(models.BPE())
        holder.pre_tokenizer = case
        rows.append({"pre_tokenizer": json.loads(holder.to_str())["pre_tokenizer"],
                     "pieces": [[piece for piece, _ in case.pre_tokenize_str(text)] for text in texts]})
    return rows


def save(tokenizer, name):
    folder = here / name
    folder.mkdir(exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    encode = lambda text, special: tokenizer.encode(text, add_special_tokens=special).ids
    rows = [{"text": t, "ids": encode(t, False), "withSpecial": encode(t, True)} for t in texts + special_texts]
    (folder / "ids.json").write_text(json.dumps(rows, ensure_ascii=False) + "\n")


def byte_level():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(patterns["llama3"]), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=500, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(corpus, trainer)
    tokenizer.add_special_tokens(["<s>", "</s>", AddedToken("<pad>", rstrip=True, lstrip=True)])
    tokenizer.add_tokens([AddedToken("<mask>", lstrip=True), AddedToken("<word>", single_word=True)])
    tokenizer.post_processor = processors.Sequence(
        [processors.ByteLevel(trim_offsets=False),
         processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", tokenizer.token_to_id("<s>")), ("</s>", tokenizer.token_to_id("</s>"))])])
    save(tokenizer, "byte_level")


def characters():
    special = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    trainer = trainers.BpeTrainer(vocab_size=420, show_progress=False, limit_alphabet=60, max_token_length=8)
    tokenizer.train_from_iterator(corpus, trainer)
    state = json.loads(tokenizer.to_str())
    vocab = {piece: i for i, piece in enumerate(special)}
    for piece in sorted(state["model"]["vocab"], key=state["model"]["vocab"].get):
        vocab.setdefault(piece, len(vocab))
    state["model"]["vocab"] = vocab
    tokenizer = Tokenizer.from_str(json.dumps(state))
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    save(tokenizer, "characters")


def sentencepiece_model(name, model_type="bpe", byte_fallback=True, **options):
    folder = here / name
    folder.mkdir(exist_ok=True)
    with open(folder / "tokenizer.model", "wb") as out:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(line for text in corpus for line in text.split("\n")), model_writer=out, model_type=model_type,
            byte_fallback=byte_fallback, hard_vocab_limit=False, minloglevel=2, **options)
    processor = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
    rows = [{"text": text, "ids": processor.encode(text), "decoded": processor.decode(processor.encode(text))} for text in texts]
    info = {"pieces": [processor.id_to_piece(i) for i in range(processor.get_piece_size())], "rows": rows}
    (folder / "ids.json").write_text(json.dumps(info, ensure_ascii=False) + "\n")


(here / "cuts.json").write_text(json.dumps({"texts": texts, "cases": cuts()}, ensure_ascii=False) + "\n")
byte_level()
characters()
sentencepiece_model("sentencepiece", vocab_size=420, normalization_rule_name="identity", remove_extra_whitespaces=False,
                    user_defined_symbols=["<sep>"])
sentencepiece_model("sentencepiece_nfkc", vocab_size=400)
sentencepiece_model("sentencepiece_unigram", "unigram", vocab_size=400, normalization_rule_name="identity", remove_extra_whitespaces=False,
                    user_defined_symbols=["<sep>"])
with tempfile.NamedTemporaryFile("w", suffix=".tsv") as rules:
    pairs = [("ﬁ", "fi"), ("²", "2"), ("½", "1/2"), ("\u00a0", " "), ("\t", " "), ("Å", "A"), ("!", "."), ("e\u0301", "é")]
    rules.write("".join(" ".join(f"{ord(c):X}" for c in a) + "\t" + " ".join(f"{ord(c):X}" for c in b) + "\n" for a, b in pairs))
    rules.flush()
    sentencepiece_model("sentencepiece_unigram_rules", "unigram", byte_fallback=False, vocab_size=200, normalization_rule_tsv=rules.name,
                        add_dummy_prefix=True)
