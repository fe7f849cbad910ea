// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/weight_statistics.hpp"
#include "model/model.hpp"
#include "workflow/model_card.hpp"

#include <filesystem>
#include <stop_token>
#include <string>

namespace nibblesmith::workflow {

/// Description of a model, with its origin.
struct Inspection : model::ModelSummary {
  ModelCard card;
};
Inspection inspect(const std::filesystem::path& model, const std::stop_token& stop);

/// Computes statistics of one tensor, named as in Inspection::tensors; see checkpoint::weightStatistics().
checkpoint::WeightStatistics weightStatistics(const std::filesystem::path& model, const std::string& tensor,
                                              const std::stop_token& stop);

} // namespace nibblesmith::workflow
