// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "export/gguf.hpp"
#include "workflow/services.hpp"

#include <filesystem>
#include <stop_token>
#include <string>

namespace nibblesmith::workflow {

struct ExportRequest {
  std::filesystem::path artifact;
  exporting::GgufType type = exporting::GgufType::Q4_0;
  std::filesystem::path out;
  bool replace = false; ///< replaces an existing file at `out`; otherwise it is refused before the work
  std::string expectedHash = {};
};
exporting::Audit exportModel(const ExportRequest& request, const Services& services,
                             const std::stop_token& stop, base::Progress& progress);

} // namespace nibblesmith::workflow
