// SPDX-License-Identifier: Apache-2.0
#include "method.hpp"
#include "plugins/api/quantizer_plugin.hpp"

#include <QObject>

namespace nibblesmith::smoothquant {

class SmoothQuantQuantizer final : public plugins::Quantizer {
public:
  std::unique_ptr<quantization::Transform> makeTransform(const base::Json& parameters) const override {
    return std::make_unique<SmoothQuantTransform>(smoothQuantOptions(parameters));
  }
};

class SmoothQuantPlugin final : public QObject, public plugins::QuantizerFactory {
  Q_OBJECT
  Q_PLUGIN_METADATA(IID NIB_QUANTIZER_IID FILE "method.json")
  Q_INTERFACES(nibblesmith::plugins::QuantizerFactory)
public:
  std::unique_ptr<plugins::Quantizer> createQuantizer() const override {
    return std::make_unique<SmoothQuantQuantizer>();
  }
};

} // namespace nibblesmith::smoothquant

#include "plugin.moc"
