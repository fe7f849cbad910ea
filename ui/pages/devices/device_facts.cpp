// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/devices/device_facts.hpp"

#include "ui/session/text.hpp"

#include <QCoreApplication>

#include <set>

namespace nibblesmith::ui {

namespace {

QString tr(const char* text) { return QCoreApplication::translate("DeviceFacts", text); }
QString text(const std::string& value) { return toQString(std::string_view(value)); }

} // namespace

std::vector<Fact> accessFacts(const devices::Device& device) {
  return {
      {tr("Host"), QStringLiteral("%1, port %2").arg(text(device.host)).arg(device.port), {}},
      {tr("User"), device.user.empty() ? tr("as on this machine") : text(device.user), {}},
      {tr("Key"), device.keyFile.empty() ? tr("agent, or default keys") : toQString(device.keyFile), {}},
      {tr("Folder there"), text(device.directory), tr("Relative to the home directory on the device")},
  };
}

std::vector<Column<ExperimentRow>> deviceResultColumns() {
  const std::set<QString> wanted = {QStringLiteral("model"),
                                    QStringLiteral("artifact"),
                                    QStringLiteral("size"),
                                    QStringLiteral("promptTokensPerSecond"),
                                    QStringLiteral("tokensPerSecond"),
                                    QStringLiteral("tokenMsP50"),
                                    QStringLiteral("tokenMsP90"),
                                    QStringLiteral("peakRssBytes"),
                                    QStringLiteral("date")};
  std::vector<Column<ExperimentRow>> columns = experimentColumns();
  std::erase_if(columns, [&](const auto& column) { return !wanted.contains(column.key); });
  return columns;
}

} // namespace nibblesmith::ui
