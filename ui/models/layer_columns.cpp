// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/layer_columns.hpp"

#include "quantization/layer_report.hpp"
#include "ui/models/number_text.hpp"
#include "ui/session/text.hpp"

#include <QCoreApplication>
#include <QStringList>

namespace nibblesmith::ui {

namespace {

using Layer = quantization::LayerReport;

QString tr(const char* text) { return QCoreApplication::translate("LayerColumns", text); }

QString fallbackText(const Layer& layer, const QString& separator) {
  QStringList lines;
  for (const std::string& fallback : layer.fallbacks)
    lines << toQString(std::string_view(fallback));
  return lines.join(separator);
}

Column<Layer> textColumn(const char* key, const QString& title, const QString& help,
                         std::string Layer::*member) {
  return {QString::fromLatin1(key),
          title,
          help,
          false,
          [member](const Layer& layer) { return toQString(std::string_view(layer.*member)); },
          {},
          {}};
}

Column<Layer> numberColumn(const char* key, const QString& title, const QString& help,
                           std::function<double(const Layer&)> value, std::function<QString(double)> text) {
  return {QString::fromLatin1(key),
          title,
          help,
          true,
          [value, text](const Layer& layer) { return text(value(layer)); },
          [value](const Layer& layer) { return QVariant(value(layer)); },
          {}};
}

} // namespace

std::vector<Column<Layer>> layerColumns() {
  const auto percent = [](double value) { return value > 0 ? fixedText(value * 100, 2) : noValue(); };
  const auto decimals1 = [](double value) { return fixedText(value, 1); };
  return {
      textColumn("layer", tr("Layer"), tr("The linear layer"), &Layer::name),
      textColumn("requested", tr("Requested"), tr("The type that the recipe asks for"), &Layer::requested),
      textColumn("effective", tr("Effective"), tr("The type that the layer got"), &Layer::effective),
      numberColumn(
          "outputError", tr("Output error %"),
          tr("Relative error of the layer's output on the calibration data, in percent"),
          [](const Layer& layer) { return layer.relativeOutputError; }, percent),
      numberColumn(
          "mse", tr("Weight MSE"), tr("Mean squared error of the weights"),
          [](const Layer& layer) { return layer.weightError.meanSquaredError; },
          [](double value) { return shortText(value); }),
      numberColumn(
          "snr", tr("SNR dB"), tr("Signal-to-noise ratio of the weights, in decibels: more is better"),
          [](const Layer& layer) { return layer.weightError.signalToNoiseDb; }, decimals1),
      numberColumn(
          "seconds", tr("Time s"), tr("Time spent on this layer, in seconds"),
          [](const Layer& layer) { return layer.seconds; }, [](double value) { return fixedText(value, 2); }),
      {QStringLiteral("fallbacks"), tr("Fallbacks"),
       tr("Where the method could not do what was asked, and what it did instead"), false,
       [](const Layer& layer) {
         return layer.fallbacks.empty() ? tr("none") : fallbackText(layer, QStringLiteral("; "));
       },
       [](const Layer& layer) { return QVariant(static_cast<int>(layer.fallbacks.size())); },
       [](const Layer& layer) { return fallbackText(layer, QStringLiteral("\n")); }},
  };
}

} // namespace nibblesmith::ui
