// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/probe_facts.hpp"

#include "ui/models/number_text.hpp"
#include "ui/session/text.hpp"

#include <QCoreApplication>

namespace nibblesmith::ui {

std::vector<Fact> probeFacts(const devices::Probe& probe) {
  const auto tr = [](const char* source) { return QCoreApplication::translate("ProbeFacts", source); };
  const auto text = [](const std::string& value) { return toQString(std::string_view(value)); };
  return {
      {tr("Processor"), tr("%1, %2 cores").arg(text(probe.cpu)).arg(probe.cores), {}},
      {tr("Machine"), text(probe.machine), tr("Instruction set, as uname -m names it")},
      {tr("System"), text(probe.kernel), {}},
      {tr("Memory"), bytesText(probe.memoryBytes), {}},
      {tr("Free disk"), bytesText(probe.freeDiskBytes), {}},
      {tr("Governor"), probe.governor.empty() ? tr("not known") : text(probe.governor),
       tr("How the processor chooses its frequency")},
  };
}

} // namespace nibblesmith::ui
