// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/device_fit_columns.hpp"

#include "benchmark/footprint.hpp"
#include "ui/models/number_text.hpp"
#include "ui/session/text.hpp"
#include "workflow/fit.hpp"

#include <QCoreApplication>
#include <QStringList>

namespace nibblesmith::ui {

namespace {

using Fit = workflow::DeviceFit;

QString tr(const char* text) { return QCoreApplication::translate("DeviceFitColumns", text); }

QString needText(const Fit& fit) {
  const benchmark::Footprint& need = fit.footprint;
  return QStringList{
      tr("Weights %1").arg(bytesText(need.weightBytes)),
      tr("Key-value cache of %1 tokens %2").arg(need.context).arg(bytesText(need.kvCacheBytes)),
      tr("Working memory %1").arg(bytesText(need.workingBytes)),
      tr("%1 of the device's %2 are free for it")
          .arg(bytesText(fit.availableBytes), bytesText(fit.profile.memoryBytes))}
      .join(QLatin1Char('\n'));
}

QString speedText(const Fit& fit) {
  return tr("%1 for each token, at %2 GB/s.\n%3")
      .arg(bytesText(fit.footprint.bytesPerToken), fixedText(fit.profile.bandwidth / 1e9, 1),
           toQString(std::string_view(fit.profile.source)));
}

} // namespace

std::vector<Column<Fit>> deviceFitColumns() {
  return {
      {QStringLiteral("device"),
       tr("Device"),
       tr("The board"),
       false,
       [](const Fit& fit) { return toQString(std::string_view(fit.profile.name)); },
       {},
       {}},
      {QStringLiteral("memory"), tr("Memory"),
       tr("What the model takes while it generates, with its key-value cache full"), true,
       [](const Fit& fit) { return bytesText(fit.footprint.totalBytes()); },
       [](const Fit& fit) { return QVariant(static_cast<qulonglong>(fit.footprint.totalBytes())); },
       needText},
      {QStringLiteral("fits"),
       tr("Fits"),
       tr("Whether that is less than what the device has free"),
       false,
       [](const Fit& fit) { return fit.fits ? tr("yes") : tr("no"); },
       {},
       needText},
      {QStringLiteral("tokensPerSecond"), tr("Tokens/s"),
       tr("What the device's memory can deliver; where arithmetic takes longer it is less"), true,
       [](const Fit& fit) {
         return fit.fits && fit.tokensPerSecond > 0 ? tr("≤ %1").arg(shortText(fit.tokensPerSecond))
                                                    : noValue();
       },
       [](const Fit& fit) { return fit.fits ? QVariant(fit.tokensPerSecond) : QVariant(); }, speedText},
  };
}

} // namespace nibblesmith::ui
