// SPDX-License-Identifier: Apache-2.0
#include "workflow/requests.hpp"

namespace nibblesmith::workflow {

Inspection inspect(const std::filesystem::path& path) {
  const auto model = model::openModel(path);
  return {model::summarize(*model), readModelCard(model->checkpoint())};
}

checkpoint::WeightStatistics weightStatistics(const std::filesystem::path& model, const std::string& tensor,
                                              const std::stop_token& stop) {
  return checkpoint::weightStatistics(*checkpoint::openCheckpoint(model), tensor, stop);
}

} // namespace nibblesmith::workflow
