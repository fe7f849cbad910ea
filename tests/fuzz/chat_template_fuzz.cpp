// SPDX-License-Identifier: Apache-2.0
#include "fuzz_target.hpp"
#include "tokenizer/chat_template.hpp"

using namespace nibblesmith;

/// Fuzzes the Jinja text itself; the files that contain it (JSON, GGUF) have targets of their own.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tokenizer::Vocabulary vocabulary;
  vocabulary.tokens = {"<s>", "</s>"};
  vocabulary.bos = 0;
  vocabulary.eos = 1;
  fuzz::mayRefuse([&] {
    const tokenizer::ChatTemplate chat(std::string(reinterpret_cast<const char*>(data), size), vocabulary,
                                       "chat_template.jinja");
    for (const char* first : {"system", "user"})
      fuzz::mayRefuse([&] {
        const std::vector<tokenizer::ChatMessage> messages = {
            {first, "A <|im_end|> text"}, {"user", "What?"}, {"assistant", "<think>x</think>That."}};
        for (const bool asks : {false, true})
          chat.render(messages, asks);
      });
  });
  return 0;
}
