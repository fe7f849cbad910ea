// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/language_part.hpp"
#include "fuzz_target.hpp"
#include "memory_checkpoint.hpp"
#include "model/model.hpp"

using namespace nibblesmith;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto tiny = test::TinyLlama{}.huggingFace();
  const auto changed = std::make_shared<checkpoint::Checkpoint>(*tiny);
  fuzz::mayRefuse([&] {
    changed->config = base::parseJson({reinterpret_cast<const char*>(data), size}, "config.json");
    if (checkpoint::hasLanguagePart(*changed))
      checkpoint::reduceToLanguageModel(*changed);
    const auto model = model::openModel(changed);
    model::summarize(*model);
    for (int64_t block = 0; block < model->config().numLayers; ++block)
      model->block(block);
  });
  return 0;
}
