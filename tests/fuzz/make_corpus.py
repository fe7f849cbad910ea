# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of corpus/: small valid files of each format that the goldens do not have. Usage: make_corpus.py

The other files of the corpus were found by the fuzz targets: inputs with high coverage, and inputs of past failures (named
after the defect).
"""
import base64
import json
import pathlib
import struct

here = pathlib.Path(__file__).parent / "corpus"
U32, I32, F32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9


def text(value):
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(data)) + data


def array(kind, values):
    pack = {U32: lambda v: struct.pack("<I", v), I32: lambda v: struct.pack("<i", v), F32: lambda v: struct.pack("<f", v), STRING: text}
    return struct.pack("<IQ", kind, len(values)) + b"".join(pack[kind](v) for v in values)


def scalar(kind, value):
    return {U32: lambda: struct.pack("<I", value), F32: lambda: struct.pack("<f", value), BOOL: lambda: bytes([value]),
            STRING: lambda: text(value)}[kind]()


def gguf(name, keys, tensors):
    data, infos = b"", b""
    for tensor, shape, kind, size in tensors:
        infos += text(tensor) + struct.pack("<I", len(shape)) + b"".join(struct.pack("<Q", s) for s in shape)
        infos += struct.pack("<IQ", kind, len(data))
        data += bytes(i * 7 % 64 for i in range(size)) + bytes(-size % 32)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys))
    for key, kind, value in keys:
        head += text(key) + struct.pack("<I", kind) + (value if kind == ARRAY else scalar(kind, value))
    head += infos
    write("gguf", name, head + bytes(-len(head) % 32) + data)


def write(format, name, data):
    (here / format).mkdir(parents=True, exist_ok=True)
    (here / format / name).write_bytes(data)


blocks = [("f32", 0, 1, 4), ("f16", 1, 1, 2), ("q4_0", 2, 32, 18), ("q4_1", 3, 32, 20), ("q5_0", 6, 32, 22), ("q5_1", 7, 32, 24),
          ("q8_0", 8, 32, 34), ("q2_k", 10, 256, 84), ("q3_k", 11, 256, 110), ("q4_k", 12, 256, 144), ("q5_k", 13, 256, 176),
          ("q6_k", 14, 256, 210), ("iq4_nl", 20, 32, 18), ("iq4_xs", 23, 256, 136), ("bf16", 30, 1, 2)]
gguf("every_type", [("general.architecture", STRING, "llama"), ("general.alignment", U32, 32)],
     [(name, [max(count, 8), 1], kind, size * max(1, 8 // count)) for name, kind, count, size in blocks])
model = [("general.architecture", STRING, "llama")] + [("llama." + key, U32, value) for key, value in [
    ("embedding_length", 8), ("feed_forward_length", 16), ("block_count", 1), ("attention.head_count", 2),
    ("attention.head_count_kv", 1), ("context_length", 64)]] + [("llama.attention.layer_norm_rms_epsilon", F32, 1e-5)]
pieces = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)] + ["▁", "T", "h", "e", "▁T", "he", "▁The"]
shapes = {"token_embd": [8, len(pieces)], "output_norm": [8], "blk.0.attn_norm": [8], "blk.0.ffn_norm": [8],
          "blk.0.attn_q": [8, 8], "blk.0.attn_k": [8, 4], "blk.0.attn_v": [8, 4], "blk.0.attn_output": [8, 8],
          "blk.0.ffn_gate": [8, 16], "blk.0.ffn_up": [8, 16], "blk.0.ffn_down": [16, 8]}
gguf("llama", model + [
    ("tokenizer.ggml.model", STRING, "llama"), ("tokenizer.ggml.tokens", ARRAY, array(STRING, pieces)),
    ("tokenizer.ggml.scores", ARRAY, array(F32, [-float(i) for i in range(len(pieces))])),
    ("tokenizer.ggml.token_type", ARRAY, array(I32, [2, 3, 3] + [6] * 256 + [1] * 7))],
    [(name + ".weight", shape, 1, 2 * shape[0] * (shape[1] if len(shape) > 1 else 1)) for name, shape in shapes.items()])
symbols = [chr(c) for c in range(33, 127)] + ["Ġ", "Th", "The", "ĠThe", "<|end|>"]
gguf("byte_level", [
    ("tokenizer.ggml.model", STRING, "gpt2"), ("tokenizer.ggml.pre", STRING, "llama-bpe"),
    ("tokenizer.ggml.tokens", ARRAY, array(STRING, symbols)), ("tokenizer.ggml.merges", ARRAY, array(STRING, ["T h", "Th e", "Ġ The"])),
    ("tokenizer.ggml.token_type", ARRAY, array(I32, [1] * (len(symbols) - 1) + [3])), ("tokenizer.ggml.bos_token_id", U32, len(symbols) - 1),
    ("tokenizer.ggml.add_bos_token", BOOL, 1)], [])

write("json", "values", json.dumps({"a": [1, -2.5, 1e300, None, True, "\u00f6\u202e\U0001f600"], "size": {"list": [[], {}]}, "": 3}).encode())
write("json", "same_key_twice", b'{"a": 1, "a": 2}')
write("json", "nested", b"[" * 64 + b"]" * 64)
llama = {"model_type": "llama", "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
         "num_key_value_heads": 2, "head_dim": 8, "vocab_size": 40, "max_position_embeddings": 640, "rms_norm_eps": 1e-5,
         "rope_theta": 1000.0, "tie_word_embeddings": False, "bos_token_id": 1, "eos_token_id": [2, 3], "hidden_act": "silu",
         "attention_bias": False, "mlp_bias": False, "torch_dtype": "bfloat16",
         "kv_cache": {"use": "int4", "keys": "channel", "groupSize": 8, "residual": 16}}
write("config_json", "llama", json.dumps(llama).encode())
write("config_json", "rope_scaling", json.dumps(llama | {"rope_scaling": {
    "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64}}).encode())
write("config_json", "compressed_tensors", json.dumps(llama | {"quantization_config": {
    "quant_method": "compressed-tensors", "format": "pack-quantized", "config_groups": {"group_0": {
        "targets": ["Linear", "re:.*up_proj"], "weights": {"num_bits": 4, "type": "int", "symmetric": True, "group_size": 16}}}}}).encode())
header = json.dumps({"__metadata__": {"format": "pt"}, "a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]},
                     "b": {"dtype": "F16", "shape": [4], "data_offsets": [16, 24]}, "c": {"dtype": "BF16", "shape": [0], "data_offsets": [24, 24]},
                     "d": {"dtype": "F8_E4M3", "shape": [3], "data_offsets": [24, 27]}}).encode()
write("safetensors", "four_types", struct.pack("<Q", len(header)) + header + bytes(range(27)))


def varint(value):
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + varint(value >> 7)


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def charsmap(replacement=b"b", leaf=2, value=0):
    """Returns a replacement table with one entry, "A" becomes `replacement`. Other arguments make it invalid."""
    units = [0] * 512
    units[0] = 1 << 10  # children at 1
    units[1 ^ 0x41] = 0x41 | 1 << 8 | leaf << 10  # "A", with a value
    units[(1 ^ 0x41) ^ 2] = 1 << 31 | value
    return struct.pack("<I", 4 * len(units)) + struct.pack(f"<{len(units)}I", *units) + replacement + b"\0"


# sentencepiece_model.proto: pieces (text, score, type), trainer_spec (model_type, byte_fallback), normalizer_spec.
def sentencepiece(name, kind, bytes_too=False, table=b"", blanks=0):
    pieces = [("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3), ("<sep>", 0.0, 4), ("▁▁", 0.0, 4), ("hi", -3.5, 5), ("▁", -1.0, 1),
              ("T", -2.0, 1), ("h", -3.0, 1), ("e", -4.0, 1), ("he", -2.5, 1), ("▁T", -2.2, 1), ("▁The", -1.5, 1)]
    pieces += [(f"<0x{byte:02X}>", 0.0, 6) for byte in range(256) if bytes_too]
    proto = b"".join(field(1, field(1, text.encode()) + field(2, score) + field(3, type)) for text, score, type in pieces)
    proto += field(2, field(3, kind) + field(35, int(bytes_too)))
    proto += field(3, field(1, b"identity") + (field(2, table) if table else b"") + field(3, 1) + field(4, blanks) + field(5, 1))
    write("sentencepiece", name, proto)


sentencepiece("unigram", 1)
sentencepiece("bpe", 2)
sentencepiece("bpe_with_bytes", 2, bytes_too=True)
sentencepiece("unigram_with_replacements", 1, table=charsmap(), blanks=1)
# Tables that made sentencepiece's library read out of bounds.
sentencepiece("value_behind_the_units", 2, table=charsmap(leaf=0x1FFFFF))
sentencepiece("replacement_behind_the_table", 1, table=charsmap(value=0x7FFFFFF0))

added = [{"id": 5, "content": "<s>", "special": True, "single_word": False, "lstrip": True, "rstrip": True, "normalized": False},
         {"id": 6, "content": "<Word>", "special": False, "single_word": True, "lstrip": False, "rstrip": False, "normalized": True}]
normalizers = [{"type": "NFKC"}, {"type": "Lowercase"}, {"type": "StripAccents"}, {"type": "Strip", "strip_left": True, "strip_right": False},
               {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}, {"type": "Prepend", "prepend": "▁"},
               {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(charsmap()).decode()}]
split = [{"type": "Split", "pattern": {"Regex": "\\d+|\\s+(?!\\S)"}, "behavior": "MergedWithNext", "invert": False}, {"type": "Digits", "individual_digits": True},
         {"type": "Punctuation", "behavior": "Contiguous"}, {"type": "Whitespace"}, {"type": "WhitespaceSplit"}]
bpe = {"added_tokens": added, "normalizer": {"type": "Sequence", "normalizers": normalizers}, "pre_tokenizer": {"type": "Sequence", "pretokenizers": split},
       "post_processor": {"type": "BertProcessing", "sep": ["<s>", 5], "cls": ["<s>", 5]}, "decoder": {"type": "Fuse"},
       "model": {"type": "BPE", "unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True, "ignore_merges": True, "dropout": None,
                 "vocab": {"<unk>": 0, "t": 1, "h": 2, "th": 3, "<0x0A>": 4}, "merges": [["t", "h"]]}}
unigram = {"added_tokens": added, "normalizer": None, "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True},
           "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}]},
           "decoder": {"type": "Sequence", "decoders": [{"type": "Metaspace"}, {"type": "ByteFallback"}]},
           "model": {"type": "Unigram", "unk_id": 0, "byte_fallback": True,
                     "vocab": [["<unk>", 0.0], ["▁", -1.0], ["T", -2.0], ["he", -2.5], ["<0x0A>", 0.0]]}}
bytes_level = bpe | {"normalizer": {"type": "NFC"}, "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": True, "use_regex": True},
                     "post_processor": {"type": "Sequence", "processors": [{"type": "ByteLevel"}]}, "decoder": {"type": "ByteLevel"}}
for name, tokenizer in [("bpe", bpe), ("unigram", unigram), ("byte_level", bytes_level)]:
    write("tokenizer_json", name, json.dumps(tokenizer, ensure_ascii=False).encode())
# Seeds are quick: a text that grows up to the limits is for tests/corrupt.
growing = bpe | {"normalizer": {"type": "Sequence", "normalizers": [{"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}] * 12}}
slow = bpe | {"normalizer": None, "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(.+)+\\d$"}, "behavior": "Isolated"}}
for name, tokenizer in [("growing_normalizer", growing), ("slow_pattern", slow)]:
    write("tokenizer_json", name, json.dumps(tokenizer, ensure_ascii=False).encode())

chatml = "{% for m in messages %}{{ '<|im_start|>system\\nYou help.<|im_end|>' }}{{ '<|im_start|>' + m.role + m.content | trim + '<|im_end|>' }}{% endfor %}"
mistral = "{{ bos_token }}{% if system_message %}must alternate{% endif %}{{ '[INST] ' + m.content + ' [/INST]' + eos_token }}{{ loop.last and system_message }}"
for name, jinja in [("chatml", chatml), ("mistral", mistral), ("llama3", "<|start_header_id|><|end_header_id|><|eot_id|>Cutting Knowledge Date"),
                    ("qwen3", chatml + "</think> reasoning_content enable_thinking last_query_index"), ("gemma", "<start_of_turn><end_of_turn>first_user_prefix"),
                    ("llama2", "[INST]  [/INST]<<SYS>>.strip()"), ("zephyr", "<|user|>\\n<|assistant|>eos_token"), ("phi3", "<|user|><|assistant|><|end|><|system|>")]:
    write("chat_template", name, jinja.encode())
ranks = [bytes([byte]) for byte in range(256)] + [b"Th", b"The", b" The"]
write("tiktoken", "bytes", b"".join(base64.b64encode(token) + f" {rank}\n".encode() for rank, token in enumerate(ranks)))
