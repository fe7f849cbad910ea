// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "calibration/prompts.hpp"
#include "model/model.hpp"

#include <memory>
#include <optional>

namespace nibblesmith::calibration {

/// Parts of a model that calibration data is made and checked with.
struct ModelContext {
  std::shared_ptr<const tokenizer::Tokenizer> tokenizer;
  /// Provides the embedding for a diverse sample; null: not available.
  std::shared_ptr<const model::Model> model;
  std::optional<tokenizer::ChatTemplate> chat;
  std::string missingChatReason; ///< reason why there is no chat template, as the end of an error message
};

/// Reads the tokenizer and chat template beside the model. An unknown template is not an error;
/// missingChatReason names it. Throws base::Error, base::Cancelled.
ModelContext contextOf(std::shared_ptr<const model::Model> model, const std::stop_token& stop);

} // namespace nibblesmith::calibration
