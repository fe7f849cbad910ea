// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/open_model.hpp"

#include "ui/session/session.hpp"
#include "ui/session/text.hpp"

#include <QCoreApplication>
#include <QFileDialog>

namespace nibblesmith::ui {

namespace {

QString tr(const char* text) { return QCoreApplication::translate("OpenModel", text); }

QString startFolder(Session& session) {
  const QStringList recent = session.recentModels();
  return recent.isEmpty() ? QDir::homePath() : QFileInfo(recent.constFirst()).path();
}

void open(Session& session, const QString& chosen) {
  if (!chosen.isEmpty())
    session.openModel(toPath(chosen));
}

} // namespace

void openModelDirectory(Session& session, QWidget* parent) {
  open(session,
       QFileDialog::getExistingDirectory(parent, tr("Open a model directory"), startFolder(session)));
}

void openModelFile(Session& session, QWidget* parent) {
  open(session, QFileDialog::getOpenFileName(parent, tr("Open a GGUF file"), startFolder(session),
                                             tr("GGUF files (*.gguf);;All files (*)")));
}

} // namespace nibblesmith::ui
