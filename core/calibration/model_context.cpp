// SPDX-License-Identifier: Apache-2.0
#include "calibration/model_context.hpp"

namespace nibblesmith::calibration {

ModelContext contextOf(std::shared_ptr<const model::Model> model, const std::stop_token& stop) {
  ModelContext context;
  const checkpoint::Checkpoint& checkpoint = model->checkpoint();
  context.tokenizer = tokenizer::loadTokenizer(checkpoint, stop);
  context.missingChatReason = "the model has no chat template";
  try {
    if (const auto jinja = tokenizer::readChatTemplate(checkpoint))
      context.chat.emplace(*jinja, context.tokenizer->vocabulary(), checkpoint.path.string());
  } catch (const base::Error& error) {
    context.missingChatReason = error.what();
  }
  context.model = std::move(model);
  return context;
}

} // namespace nibblesmith::calibration
