// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/checkpoint.hpp"
#include "fuzz_target.hpp"
#include "model/model.hpp"
#include "tokenizer/tokenizer.hpp"

using namespace nibblesmith;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const fuzz::InputFile input("model.gguf");
  const auto& path = input.write({data, size});
  std::shared_ptr<const checkpoint::Checkpoint> opened;
  fuzz::mayRefuse([&] { opened = checkpoint::openCheckpoint(path); });
  if (!opened)
    return 0;
  for (const auto& [name, view] : opened->tensors)
    fuzz::mayRefuse([&] { tensor::toVector(view); });
  fuzz::mayRefuse([&] {
    const auto tokenizer = tokenizer::loadTokenizer(*opened);
    tokenizer->decode(tokenizer->encode("The b\xC3\xB6"
                                        "ard, 12 \xFF\n",
                                        true, true));
  });
  fuzz::mayRefuse([&] { model::summarize(*model::openModel(opened)); });
  return 0;
}
