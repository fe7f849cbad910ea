// SPDX-License-Identifier: Apache-2.0
#include "workflow/requests.hpp"

namespace nibblesmith::workflow {

model::ModelSummary inspect(const std::filesystem::path& model) {
  return model::summarize(*model::openModel(model));
}

} // namespace nibblesmith::workflow
