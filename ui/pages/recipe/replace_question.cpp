// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/recipe/replace_question.hpp"

#include <QCoreApplication>
#include <QMessageBox>
#include <QPushButton>

namespace nibblesmith::ui {

namespace {
QString tr(const char* text) { return QCoreApplication::translate("ReplaceQuestion", text); }
} // namespace

Replacing askToReplace(const QString& folder, const QString& name, QWidget* parent) {
  QMessageBox box(QMessageBox::Question, tr("Replace an artifact"), {}, QMessageBox::Cancel, parent);
  box.setTextFormat(Qt::PlainText);
  box.setText(name.isEmpty() ? tr("The output folder holds an artifact already. Replace it?")
                             : tr("The output folder holds “%1” already. Replace it?").arg(name));
  box.setInformativeText(
      tr("%1\n\nFigures of a replaced artifact stay in the experiment log, but it can no longer "
         "be evaluated, exported or deployed.")
          .arg(folder));
  const auto* replace = box.addButton(tr("Replace"), QMessageBox::DestructiveRole);
  const auto* keep = box.addButton(tr("Keep both"), QMessageBox::AcceptRole);
  box.setDefaultButton(QMessageBox::Cancel);
  box.setEscapeButton(QMessageBox::Cancel);
  box.exec();
  const auto* clicked = static_cast<const QObject*>(box.clickedButton());
  if (clicked == static_cast<const QObject*>(replace))
    return Replacing::Replace;
  return clicked == static_cast<const QObject*>(keep) ? Replacing::KeepBoth : Replacing::Cancel;
}

} // namespace nibblesmith::ui
