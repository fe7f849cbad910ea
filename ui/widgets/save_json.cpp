// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/save_json.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "ui/session/text.hpp"
#include "ui/widgets/card.hpp"

#include <QFileDialog>

namespace nibblesmith::ui {

QString saveJsonAs(QWidget* parent, const QString& title, const QString& proposal, const QString& filter,
                   const base::Json& json, Label& problem) {
  const QString path = QFileDialog::getSaveFileName(parent, title, proposal, filter);
  if (path.isEmpty())
    return {};
  try {
    base::writeFileAtomically(toPath(path), json.dump(2) + "\n");
    setProblemText(problem, {});
    return path;
  } catch (const base::Error& error) {
    setProblemText(problem, toQString(std::string_view(error.what())));
    return {};
  }
}

} // namespace nibblesmith::ui
