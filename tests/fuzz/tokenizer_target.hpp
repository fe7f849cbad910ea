// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fuzz_target.hpp"
#include "tokenizer/tokenizer.hpp"

#include <initializer_list>

namespace nibblesmith::fuzz {

/// Loads the tokenizer of a directory that holds this one file, and takes the texts to ids and back.
inline int readTokenizer(const InputFile& input, std::span<const uint8_t> bytes,
                         std::initializer_list<const char*> texts) {
  input.write(bytes);
  checkpoint::Checkpoint checkpoint;
  checkpoint.path = input.directory();
  checkpoint.config = base::Json::object();
  mayRefuse([&] {
    const auto tokenizer = tokenizer::loadTokenizer(checkpoint);
    for (const char* text : texts)
      tokenizer->decode(tokenizer->encode(text, true, true));
  });
  return 0;
}

} // namespace nibblesmith::fuzz
