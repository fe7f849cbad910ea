// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/recipe/replace_question.hpp"

#include "ui/widgets/message_dialog.hpp"

#include <QCoreApplication>

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
          tr("Replace"),
          tr("Cancel"),
          tr("Keep both")};
}

} // namespace

Replacing askToReplace(const QString& folder, const QString& name, QWidget* parent) {
  switch (ask(parent, questionFor(folder, name))) {
  case Answer::Act:
    return Replacing::Replace;
  case Answer::Other:
    return Replacing::KeepBoth;
  case Answer::Keep:
    break;
  }
  return Replacing::Cancel;
}

} // namespace nibblesmith::ui
