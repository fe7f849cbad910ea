// SPDX-License-Identifier: Apache-2.0
#include "fuzz_target.hpp"
#include "tokenizer/tokenizer.hpp"

using namespace nibblesmith;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const fuzz::InputFile input("tokenizer.json");
  input.write({data, size});
  checkpoint::Checkpoint checkpoint;
  checkpoint.path = input.directory();
  checkpoint.config = base::Json::object();
  fuzz::mayRefuse([&] {
    const auto tokenizer = tokenizer::loadTokenizer(checkpoint);
    for (const char* text : {"The b\xC3\xB6"
                             "ard,  12\n",
                             "<s>'ll \xFF\xE2\x96\x81x</s>"})
      tokenizer->decode(tokenizer->encode(text, true, true));
  });
  return 0;
}
