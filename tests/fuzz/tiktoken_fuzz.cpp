// SPDX-License-Identifier: Apache-2.0
#include "fuzz_target.hpp"
#include "tokenizer/tokenizer.hpp"

using namespace nibblesmith;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const fuzz::InputFile input("qwen.tiktoken");
  input.write({data, size});
  checkpoint::Checkpoint checkpoint;
  checkpoint.path = input.directory();
  checkpoint.config = base::Json::object();
  fuzz::mayRefuse([&] {
    const auto tokenizer = tokenizer::loadTokenizer(checkpoint);
    tokenizer->decode(tokenizer->encode("The b\xC3\xB6"
                                        "ard,  12 \xFF<|im_end|>\n",
                                        true, true));
  });
  return 0;
}
