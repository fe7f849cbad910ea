// SPDX-License-Identifier: Apache-2.0
#include "tokenizer_target.hpp"

using namespace nibblesmith;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const fuzz::InputFile input("tokenizer.model");
  return fuzz::readTokenizer(input, {data, size},
                             {"The b\xC3\xB6"
                              "ard,  12 \xFF\n",
                              "  <s>TTheA</s>\xE2\x96\x81\xE2\x96\x81he  "});
}
