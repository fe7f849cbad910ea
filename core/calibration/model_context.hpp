// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "calibration/prompts.hpp"
#include "model/model.hpp"

#include <memory>
#include <optional>

namespace nibblesmith::calibration {

/// What of a model calibration data is made and judged with.
struct ModelContext {
  std::shared_ptr<const tokenizer::Tokenizer> tokenizer;
  std::shared_ptr<const model::Model> model; ///< its embedding, for a diverse sample; null: there is none
  std::optional<tokenizer::ChatTemplate> chat;
  std::string noChat; ///< why there is no chat template, as the end of an error message
};

/// Reads tokenizer and chat template beside the model; a template that is not known is said in `noChat`, for
/// whoever needs it. Throws base::Error.
ModelContext contextOf(std::shared_ptr<const model::Model> model);

} // namespace nibblesmith::calibration
