// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/gguf_type_combo.hpp"
#include "ui/widgets/help.hpp"

#include <QComboBox>
#include <QCoreApplication>

namespace nibblesmith::ui {

QComboBox* makeGgufTypeCombo(double bits) {
  using exporting::GgufType;
  auto* combo = new QComboBox;
  combo->setObjectName(QStringLiteral("ggufType"));
  for (const GgufType type : exporting::kGgufTypes)
    combo->addItem(QString::fromLatin1(exporting::toString(type)), static_cast<int>(type));
  const GgufType proposed = bits <= 4 ? GgufType::Q4_0 : bits <= 8 ? GgufType::Q8_0 : GgufType::F16;
  combo->setCurrentIndex(combo->findData(static_cast<int>(proposed)));
  setHelp(combo, ggufTypeHint());
  return combo;
}

exporting::GgufType ggufTypeOf(const QComboBox& combo) {
  return static_cast<exporting::GgufType>(combo.currentData().toInt());
}

QString ggufTypeHint() {
  return QCoreApplication::translate(
      "GgufType",
      "Q4_0 holds symmetric grids up to 4 bits without loss, Q4_1 asymmetric ones, Q8_0 symmetric ones up "
      "to 8 bits. What a type cannot hold is rounded anew, and the audit says how far it moved.");
}

} // namespace nibblesmith::ui
