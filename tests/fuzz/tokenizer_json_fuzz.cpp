// SPDX-License-Identifier: Apache-2.0
#include "tokenizer_target.hpp"

using namespace nibblesmith;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const fuzz::InputFile input("tokenizer.json");
  return fuzz::readTokenizer(input, {data, size},
                             {"The b\xC3\xB6"
                              "ard,  12\n",
                              "<s>'ll \xFF\xE2\x96\x81x</s>"});
}
