// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/checkpoint.hpp"

#include <string>
#include <vector>

namespace nibblesmith::workflow {

/// Where a model comes from, as its maker says. Empty where nothing is said.
struct ModelCard {
  std::string name;
  std::string license;                 ///< "apache-2.0", or the name of one of its own
  std::vector<std::string> baseModels; ///< what it was made from
  std::string madeBy;                  ///< of a quantized file: program, version and settings, in words
};

/// From README.md's front matter (YAML between "---" lines, Hugging Face's model cards), config.json's
/// quantization_config and our nibblesmith.json; of a GGUF, from the general.* and quantize.* keys. Never
/// throws for what stands in them: a card is for people, and what cannot be read is left out.
ModelCard readModelCard(const checkpoint::Checkpoint& checkpoint);

} // namespace nibblesmith::workflow
