# SPDX-License-Identifier: Apache-2.0
"""Writes chat_templates.json: chat templates and what transformers makes of some chats with them.

Made with transformers 5.x's own renderer (`python make_chat_templates.py`); the version is in the file. The templates
named after SmolLM2 and Qwen2 (Apache-2.0), TinyLlama (Apache-2.0) and Phi-3 (MIT) are those models' own; those of Llama 2,
Llama 3, Llama 3.1, Gemma and Mistral are written here for the same output. Others are read where they lie, and not kept:
those of shared data (argument 1), and those that llama.cpp's source has (argument 2, its directory models/templates).
"""
import json
import pathlib
import sys

import transformers
from transformers.utils.chat_template_utils import _compile_jinja_template

here = pathlib.Path(__file__).parent
chatml = ("{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\n"
          "DEFAULT<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' "
          "+ '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")
alternate = "{%- if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{%- endif %}"
templates = {
    "SmolLM2": chatml.replace("DEFAULT", "You are a helpful AI assistant named SmolLM, trained by Hugging Face"),
    "Qwen2, as a literal with escapes": chatml.replace("DEFAULT", "You are a helpful assistant").replace("\n", "\\n"),
    "ChatML without a default": "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] "
        "+ '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    "TinyLlama": "{% for message in messages %}\n{% if message['role'] == 'user' %}\n{{ '<|user|>\n' + message['content'] + "
        "eos_token }}\n{% elif message['role'] == 'system' %}\n{{ '<|system|>\n' + message['content'] + eos_token }}\n{% elif "
        "message['role'] == 'assistant' %}\n{{ '<|assistant|>\n'  + message['content'] + eos_token }}\n{% endif %}\n{% if "
        "loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}",
    "Phi-3": "{% for message in messages %}{% if message['role'] == 'system' %}{{'<|system|>\n' + message['content'] + "
        "'<|end|>\n'}}{% elif message['role'] == 'user' %}{{'<|user|>\n' + message['content'] + '<|end|>\n'}}{% elif "
        "message['role'] == 'assistant' %}{{'<|assistant|>\n' + message['content'] + '<|end|>\n'}}{% endif %}{% endfor %}{% if "
        "add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}",
    "Phi-3, first": "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') %}{{'<|user|>' + '\n' + "
        "message['content'] + '<|end|>' + '\n' + '<|assistant|>' + '\n'}}{% elif (message['role'] == 'assistant') %}"
        "{{message['content'] + '<|end|>' + '\n'}}{% endif %}{% endfor %}",
    "Llama 2": "{%- if messages[0]['role'] == 'system' %}{%- set rest = messages[1:] %}{%- set first = '<<SYS>>\n' + "
        "messages[0]['content'] + '\n<</SYS>>\n\n' %}{%- else %}{%- set rest = messages %}{%- set first = '' %}{%- endif %}"
        "{%- for m in rest %}" + alternate + "{%- if m['role'] == 'user' %}{{- bos_token + '[INST] ' + ((first if loop.first "
        "else '') + m['content']).strip() + ' [/INST]' }}{%- else %}{{- ' ' + m['content'].strip() + ' ' + eos_token }}"
        "{%- endif %}{%- endfor %}",
    "Llama 3": "{{- bos_token }}{%- for m in messages %}{{- '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' + "
        "m['content']|trim + '<|eot_id|>' }}{%- endfor %}{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant"
        "<|end_header_id|>\n\n' }}{%- endif %}",
    "Llama 3.1": "{{- bos_token }}{%- if messages[0]['role'] == 'system' %}{%- set system = messages[0]['content']|trim %}"
        "{%- set rest = messages[1:] %}{%- else %}{%- set system = '' %}{%- set rest = messages %}{%- endif %}"
        "{{- '<|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n' + "
        "system + '<|eot_id|>' }}{%- for m in rest %}{{- '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' + "
        "m['content']|trim + '<|eot_id|>' }}{%- endfor %}{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant"
        "<|end_header_id|>\n\n' }}{%- endif %}",
    "Gemma": "{{- bos_token }}{%- if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{%- endif %}"
        "{%- for m in messages %}" + alternate + "{{- '<start_of_turn>' + ('model' if m['role'] == 'assistant' else m['role']) "
        "+ '\n' + m['content'] | trim + '<end_of_turn>\n' }}{%- endfor %}{%- if add_generation_prompt %}"
        "{{- '<start_of_turn>model\n' }}{%- endif %}",
    "Gemma 3": "{{- bos_token }}{%- if messages[0]['role'] == 'system' %}{%- set first_user_prefix = messages[0]['content'] + "
        "'\n\n' %}{%- set rest = messages[1:] %}{%- else %}{%- set first_user_prefix = '' %}{%- set rest = messages %}{%- endif %}"
        "{%- for m in rest %}" + alternate + "{{- '<start_of_turn>' + ('model' if m['role'] == 'assistant' else m['role']) "
        "+ '\n' + (first_user_prefix if loop.first else '') + m['content'] | trim + '<end_of_turn>\n' }}{%- endfor %}"
        "{%- if add_generation_prompt %}{{- '<start_of_turn>model\n' }}{%- endif %}",
}
mistral = ("{%- if messages[0]['role'] == 'system' %}{%- set system_message = messages[0]['content'] %}{%- set loop_messages = messages[1:] %}"
           "{%- else %}{%- set loop_messages = messages %}{%- endif %}{{- bos_token }}{%- for message in loop_messages %}"
           "{%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{%- endif %}"
           "{%- if message['role'] == 'user' %}{%- if loop.WHICH and system_message is defined %}{{- 'OPEN' + system_message + '\n\n' + "
           "message['content'] + 'CLOSE' }}{%- else %}{{- 'OPEN' + message['content'] + 'CLOSE' }}{%- endif %}{%- else %}"
           "{{- BEGIN }}{%- endif %}{%- endfor %}")


def mistral_version(which, opening, closing, answer):
    return mistral.replace("WHICH", which).replace("OPEN", opening).replace("CLOSE", closing).replace("BEGIN", answer)


templates |= {
    "Mistral v1": mistral_version("first", " [INST] ", " [/INST]", "' ' + message['content'] + eos_token"),
    "Mistral v3": mistral_version("last", "[INST] ", "[/INST]", "' ' + message['content']|trim + eos_token"),
    "Mistral, tekken": mistral_version("last", "[INST]", "[/INST]", "message['content'] + eos_token"),
    "Mistral, first": "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
        "{{ raise_exception('roles must alternate') }}{% endif %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] "
        "+ ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token + ' ' }}{% endif %}{% endfor %}",
}
files = {}  # name: where its text lies; "shared" is the test data, "peer" llama.cpp's templates
if len(sys.argv) > 2:
    shared, peer = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    files = {"Qwen3": "shared/tokenizers/qwen3/tokenizer_config.json", "Phi-3, its file": "shared/tokenizers/phi-3/tokenizer_config.json"}
    files |= {name: f"peer/{name}.jinja" for name in [
        "Qwen-Qwen2.5-7B-Instruct", "Qwen-Qwen3-0.6B", "google-gemma-2-2b-it", "meta-llama-Llama-3.1-8B-Instruct",
        "meta-llama-Llama-3.2-3B-Instruct", "meta-llama-Llama-3.3-70B-Instruct", "microsoft-Phi-3.5-mini-instruct",
        "mistralai-Mistral-Nemo-Instruct-2407"]}


def text_of(file):
    root, _, name = file.partition("/")
    text = ((shared if root == "shared" else peer) / name).read_text()
    return json.loads(text)["chat_template"] if name.endswith(".json") else text


system, user, answer = ({"role": role, "content": text} for role, text in [
    ("system", " Be brief. "), ("user", "  What is 2 + 2?\n"), ("assistant", "\n4, \"four\". ")])
more = {"role": "user", "content": "And 3 + 3?"}
chats = [[user], [system, user], [user, answer], [system, user, answer, more], [user, answer, more, answer],
         [user, more], [system]]

count = len(chats)
thoughtful = {"role": "assistant", "content": "<think>\nTwo and two.\n</think>\n\n4."}
chats += [[user, thoughtful], [user, thoughtful, more], [user, thoughtful, answer]]
rows = []
for name, template in (templates | {name: text_of(file) for name, file in files.items()}).items():
    compiled = _compile_jinja_template(template)
    for number, chat in enumerate(chats if "Qwen3" in name else chats[:count]):
        for prompt, thinks in [(False, True), (True, True)] + ([(True, False)] if "Qwen3" in name else []):
            try:
                text = compiled.render(messages=chat, add_generation_prompt=prompt, bos_token="<s>", eos_token="</s>",
                                       date_string="26 Jul 2024", **({} if thinks else {"enable_thinking": False}))
            except Exception as error:
                text = None
            rows.append({"template": name, "chat": number, "addGenerationPrompt": prompt, "text": text} | ({} if thinks else {"thinks": False}))
(here / "chat_templates.json").write_text(json.dumps(
    {"transformers": transformers.__version__, "templates": templates, "files": files, "chats": chats, "rows": rows}, indent=0, ensure_ascii=False) + "\n")
