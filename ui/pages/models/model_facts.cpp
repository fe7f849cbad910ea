// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/models/model_facts.hpp"

#include "ui/models/number_text.hpp"
#include "ui/session/text.hpp"

#include <QCoreApplication>

namespace nibblesmith::ui {

namespace {

QString tr(const char* text) { return QCoreApplication::translate("ModelFacts", text); }

QString number(int64_t value) { return wholeText(static_cast<uint64_t>(std::max<int64_t>(value, 0))); }

/// Returns the attention heads as text: "32, sharing 8 key/value heads".
QString heads(const model::ModelConfig& config) {
  if (config.numHeads == config.numKeyValueHeads)
    return number(config.numHeads);
  return tr("%1, sharing %2 key/value heads").arg(number(config.numHeads), number(config.numKeyValueHeads));
}

QString contextText(const model::ModelConfig& config) {
  const int64_t plain = config.unscaledPositions();
  return plain < config.maxPositions
             ? tr("%1 tokens, stretched beyond %2").arg(number(config.maxPositions), number(plain))
             : tr("%1 tokens").arg(number(config.maxPositions));
}

} // namespace

std::vector<Fact> architectureFacts(const model::ModelConfig& config) {
  return {
      {tr("Family"), toQString(std::string_view(config.family)), tr("The architecture's name")},
      {tr("Layers"), number(config.numLayers), tr("Decoder blocks")},
      {tr("Hidden size"), number(config.hiddenSize), tr("Features of one token between the blocks")},
      {tr("MLP size"), number(config.intermediateSize), tr("Features inside the feed-forward part")},
      {tr("Attention heads"), heads(config), tr("Query heads, and the key/value heads they share (GQA)")},
      {tr("Head size"), number(config.headDim), tr("Features of one attention head")},
      {tr("Vocabulary"), number(config.vocabularySize), tr("Tokens")},
      {tr("Context"), contextText(config),
       tr("The longest text that it was made for; beyond the second number of tokens, where there "
          "is one, a text's length changes how positions are encoded")},
      {tr("RoPE base"),
       config.rotary().dimensions > 0 ? QString::number(static_cast<double>(config.rotary().theta), 'g', 6)
                                      : tr("none: learned positions"),
       tr("ropeTheta of the rotary position embedding")},
      {tr("Embedding"),
       config.tiedEmbeddings ? tr("shared with the output head") : tr("apart from the output head"),
       tr("Whether input embedding and output head are one matrix")},
  };
}

std::vector<Fact> sizeFacts(const model::ModelSummary& summary) {
  const double bits = summary.parameters == 0 ? 0
                                              : 8.0 * static_cast<double>(summary.weightBytes) /
                                                    static_cast<double>(summary.parameters);
  std::vector<Fact> facts = {
      {tr("Parameters"),
       QStringLiteral("%1 (%2)").arg(countText(summary.parameters), wholeText(summary.parameters)),
       {}},
      {tr("Weights"), bytesText(summary.weightBytes), tr("As stored, in binary units")},
      {tr("Bits per weight"), fixedText(bits, 2), tr("Stored bytes over parameters, times eight")},
      {tr("Tensors"), QString::number(summary.tensors.size()), {}},
      {tr("Key-value cache"), toQString(std::string_view(model::describe(summary.config.kvCache))),
       tr("How keys and values are kept while the model runs")},
      {tr("Format"), toQString(std::string_view(summary.format)), {}},
  };
  if (!summary.skippedModules.empty())
    facts.push_back({tr("Not opened"), toQString(std::string_view(summary.skippedModules)),
                     tr("The language model is opened alone")});
  return facts;
}

std::vector<Fact> originFacts(const workflow::ModelCard& card) {
  QStringList bases;
  for (const std::string& base : card.baseModels)
    bases << toQString(std::string_view(base));
  std::vector<Fact> facts;
  const auto add = [&](const QString& name, const QString& value, const QString& help) {
    if (!value.isEmpty())
      facts.push_back({name, value, help});
  };
  add(tr("Licence"), toQString(std::string_view(card.license)), tr("As the model card says"));
  add(tr("Made from"), bases.join(QStringLiteral(", ")), tr("The base model"));
  add(tr("Quantized"), toQString(std::string_view(card.madeBy)),
      tr("How this file was made, as it says itself"));
  return facts;
}

} // namespace nibblesmith::ui
