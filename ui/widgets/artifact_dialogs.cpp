// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/artifact_dialogs.hpp"

#include "ui/session/model_name.hpp"
#include "ui/session/session.hpp"
#include "ui/session/text.hpp"
#include "ui/widgets/benchmark_dialog.hpp"
#include "ui/widgets/deploy_dialog.hpp"
#include "ui/widgets/evaluate_dialog.hpp"
#include "ui/widgets/export_dialog.hpp"
#include "ui/widgets/message_dialog.hpp"
#include "workflow/benchmark.hpp"
#include "workflow/deploy.hpp"
#include "workflow/evaluate.hpp"
#include "workflow/export.hpp"
#include "workflow/written_outputs.hpp"

#include <QCoreApplication>
#include <QFileDialog>

namespace nibblesmith::ui {

namespace {

using experiments::ExperimentRow;

QString tr(const char* text) { return QCoreApplication::translate("ArtifactDialogs", text); }

QString titles(const std::vector<ExperimentRow>& rows) {
  QStringList names;
  for (const ExperimentRow& row : rows)
    names << foreignText(artifactTitle(row));
  return names.join(QLatin1Char('\n'));
}

QString titlesWithPaths(const std::vector<ExperimentRow>& rows) {
  QStringList names;
  for (const ExperimentRow& row : rows)
    names << tr("%1 in '%2'").arg(foreignText(artifactTitle(row)), foreignText(row.path));
  return names.join(QLatin1Char('\n'));
}

} // namespace

QString artifactTitle(const ExperimentRow& row) {
  if (row.artifactName == row.modelName || row.modelName.empty())
    return toQString(std::string_view(row.artifactName));
  return QStringLiteral("%1, %2").arg(toQString(std::string_view(row.modelName)),
                                      toQString(std::string_view(row.artifactName)));
}

void askToEvaluate(Session& session, const std::vector<ExperimentRow>& rows, QWidget* parent) {
  EvaluateDialog dialog(titles(rows), filesBeside(session.modelPath()), parent);
  if (dialog.exec() != QDialog::Accepted)
    return;
  for (const ExperimentRow& row : rows) {
    workflow::EvaluateRequest request = dialog.request();
    request.artifact = row.path;
    request.expectedHash = row.hash;
    session.evaluate(request, artifactTitle(row));
  }
  emit session.pageRequested(Page::Queue);
}

void askToBenchmark(Session& session, const std::vector<ExperimentRow>& rows, QWidget* parent) {
  BenchmarkDialog dialog(titles(rows), parent);
  if (dialog.exec() != QDialog::Accepted)
    return;
  for (const ExperimentRow& row : rows)
    session.benchmark({row.path, dialog.options(), row.hash}, artifactTitle(row));
  emit session.pageRequested(Page::Queue);
}

void askToExport(Session& session, const ExperimentRow& row, QWidget* parent) {
  ExportDialog dialog(artifactTitle(row), row.bits, parent);
  if (dialog.exec() != QDialog::Accepted)
    return;
  const std::filesystem::path folder = std::filesystem::path(row.path).parent_path();
  const QString type = QString::fromLatin1(exporting::toString(dialog.type()));
  const QString proposal =
      QStringLiteral("%1/%2-%3.gguf").arg(toQString(folder), modelNameOf(row.path), type);
  const QString path =
      QFileDialog::getSaveFileName(parent, tr("Export as GGUF"), proposal, tr("GGUF files (*.gguf)"));
  if (path.isEmpty())
    return;
  // The file dialog has already asked for permission to replace a file.
  session.exportModel({row.path, dialog.type(), toPath(path), true, row.hash}, artifactTitle(row));
  emit session.pageRequested(Page::Queue);
}

void askToDeploy(Session& session, experiments::RowId artifact, const QString& device, QWidget* parent) {
  DeployDialog dialog(session, artifact, device, parent);
  if (dialog.exec() != QDialog::Accepted)
    return;
  session.deploy(dialog.request(), dialog.artifactName());
  emit session.pageRequested(Page::Queue);
}

void askToDelete(Session& session, const std::vector<ExperimentRow>& rows, QWidget* parent) {
  const bool isSure = confirm(
      parent, {tr("Delete files"),
               tr("Delete the files of these artifacts? Their figures stay in the experiment log. Files that "
                  "Nibblesmith did not write, or that were changed since, stay, too."),
               titlesWithPaths(rows), tr("Delete files"), tr("Keep them")});
  if (!isSure)
    return;
  for (const ExperimentRow& row : rows)
    session.deleteArtifactFiles({row.path, row.hash}, artifactTitle(row));
}

} // namespace nibblesmith::ui
