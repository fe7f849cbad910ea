// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/checkpoint.hpp"

#include <string>
#include <vector>

namespace nibblesmith::workflow {

/// Origin of a model, as declared by its publisher. Fields are empty if nothing is declared.
struct ModelCard {
  std::string name;
  std::string license;                 ///< "apache-2.0", or the name of a custom licence
  std::vector<std::string> baseModels; ///< models that it was made from
  std::string madeBy;                  ///< of a quantized file: program, version and settings, as text
};

/// Reads the card from the front matter of README.md (YAML between "---" lines, Hugging Face's model cards),
/// quantization_config of config.json and nibblesmith.json; of a GGUF file, from the general.* and quantize.*
/// keys. Skips content that cannot be read instead of throwing, because a card is only for display.
ModelCard readModelCard(const checkpoint::Checkpoint& checkpoint);

} // namespace nibblesmith::workflow
