// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/language_part.hpp"
#include "checkpoint/packed_summary.hpp"
#include "model/family.hpp"
#include "tensor/tensor_view.hpp"

#include <algorithm>

namespace nibblesmith::model {

namespace {

using checkpoint::Checkpoint;

bool endsWith(std::string_view text, std::string_view ending) {
  return text.size() >= ending.size() && text.substr(text.size() - ending.size()) == ending;
}

} // namespace

ModelSummary summarize(const Model& model) {
  const Checkpoint& checkpoint = model.checkpoint();
  ModelSummary summary;
  summary.config = model.config();
  std::map<std::string, size_t> packedAt;
  for (const auto& [name, view] : checkpoint.tensors) {
    summary.weightBytes += view.bytes.size();
    const std::string prefix = checkpoint::packedLinearOf(checkpoint, name);
    if (prefix.empty()) {
      summary.tensors.push_back(
          {name, std::string(tensor::toString(view.dtype)), view.shape, view.bytes.size()});
      // Rotary tables of old exporters and a second copy of tied embeddings do not count as parameters.
      const bool counted = !endsWith(name, "rotary_emb.inv_freq") &&
                           !(summary.config.tiedEmbeddings &&
                             name == std::string(model.family().head.huggingFace) + ".weight");
      summary.parameters += counted ? static_cast<uint64_t>(view.elements()) : 0;
      continue;
    }
    const auto [at, isNew] = packedAt.try_emplace(prefix, summary.tensors.size());
    if (isNew) {
      const checkpoint::PackedSummary packed = checkpoint::summarizePacked(checkpoint, prefix);
      summary.tensors.push_back({prefix + ".weight", packed.type, packed.shape, 0});
      summary.parameters += static_cast<uint64_t>(packed.shape[0]) * static_cast<uint64_t>(packed.shape[1]);
    }
    summary.tensors[at->second].bytes += view.bytes.size();
  }
  summary.format = checkpoint::formatText(checkpoint);
  summary.skippedModules = checkpoint::skippedModulesText(checkpoint);
  return summary;
}

} // namespace nibblesmith::model
