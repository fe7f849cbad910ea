// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/safetensors_reader.hpp"
#include "fuzz_target.hpp"

using namespace nibblesmith;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const fuzz::InputFile input("model.safetensors");
  const auto file = std::make_shared<const base::MappedFile>(input.write({data, size}));
  fuzz::mayRefuse([&] {
    for (const auto& [name, view] : checkpoint::readSafetensors(file))
      if (tensor::isFloat(view.dtype) && view.elements() > 0)
        tensor::toVector(view);
  });
  return 0;
}
