// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/recipe/replace_question.hpp"

#include "ui/widgets/message_dialog.hpp"

#include <QCoreApplication>
#include <QDialogButtonBox>
#include <QPushButton>

namespace nibblesmith::ui {

namespace {

QString tr(const char* text) { return QCoreApplication::translate("ReplaceQuestion", text); }

Question questionFor(const QString& folder, const QString& name) {
  return {tr("Replace an artifact"),
          name.isEmpty() ? tr("The output folder holds an artifact already. Replace it?")
                         : tr("The output folder holds “%1” already. Replace it?").arg(name),
          tr("%1\n\nFigures of a replaced artifact stay in the experiment log, but it can no longer "
             "be evaluated, exported or deployed.")
              .arg(folder),
          tr("Replace"), tr("Cancel")};
}

} // namespace

Replacing askToReplace(const QString& folder, const QString& name, QWidget* parent) {
  MessageDialog dialog(questionFor(folder, name), parent);
  bool keepsBoth = false;
  auto* buttons = dialog.findChild<QDialogButtonBox*>();
  QPushButton* keep = buttons->addButton(tr("Keep both"), QDialogButtonBox::ActionRole);
  QObject::connect(keep, &QPushButton::clicked, &dialog, [&] {
    keepsBoth = true;
    dialog.reject();
  });
  const bool isAccepted = dialog.exec() == QDialog::Accepted;
  return keepsBoth ? Replacing::KeepBoth : isAccepted ? Replacing::Replace : Replacing::Cancel;
}

} // namespace nibblesmith::ui
