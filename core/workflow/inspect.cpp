// SPDX-License-Identifier: Apache-2.0
#include "workflow/inspect.hpp"

namespace nibblesmith::workflow {

Inspection inspect(const std::filesystem::path& path, const std::stop_token& stop) {
  const auto model = model::openModel(path, stop);
  return {model::summarize(*model), readModelCard(model->checkpoint())};
}

checkpoint::WeightStatistics weightStatistics(const std::filesystem::path& model, const std::string& tensor,
                                              const std::stop_token& stop) {
  return checkpoint::weightStatistics(*checkpoint::openCheckpoint(model, stop), tensor, stop);
}

} // namespace nibblesmith::workflow
