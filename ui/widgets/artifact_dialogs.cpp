// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/artifact_dialogs.hpp"

#include "ui/session/model_name.hpp"
#include "ui/session/session.hpp"
#include "ui/session/text.hpp"
#include "ui/widgets/card.hpp"
#include "ui/widgets/deploy_dialog.hpp"
#include "ui/widgets/evaluation_form.hpp"
#include "ui/widgets/form_dialog.hpp"
#include "ui/widgets/form_field.hpp"
#include "ui/widgets/gguf_type_combo.hpp"
#include "ui/widgets/number_boxes.hpp"

#include <QComboBox>
#include <QCoreApplication>
#include <QFileDialog>
#include <QFormLayout>
#include <QLabel>
#include <QMessageBox>
#include <QPushButton>
#include <QVBoxLayout>

namespace nibblesmith::ui {

namespace {

using experiments::ExperimentRow;

QString tr(const char* text) { return QCoreApplication::translate("ArtifactDialogs", text); }

QString titles(const std::vector<ExperimentRow>& rows) {
  QStringList names;
  for (const ExperimentRow& row : rows)
    names << artifactTitle(row);
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
  FormDialog dialog(tr("Evaluate"), tr("Evaluate"), parent);
  dialog.body()->addWidget(new QLabel(titles(rows)));
  auto* form = new EvaluationForm;
  form->setFiles(filesBeside(session.modelPath()));
  dialog.body()->addWidget(form);
  dialog.setCheck([form] { return form->check(); });
  if (dialog.exec() != QDialog::Accepted)
    return;
  for (const ExperimentRow& row : rows) {
    workflow::EvaluateRequest request = form->request();
    request.artifact = row.path;
    request.expectedHash = row.hash;
    session.evaluate(request, artifactTitle(row));
  }
  emit session.pageRequested(QStringLiteral("queue"));
}

void askToBenchmark(Session& session, const std::vector<ExperimentRow>& rows, QWidget* parent) {
  FormDialog dialog(tr("Benchmark on this machine"), tr("Benchmark"), parent);
  dialog.body()->addWidget(new QLabel(titles(rows)));
  const benchmark::BenchmarkOptions defaults;
  const auto box = [](qint64 minimum, qint64 maximum, qint64 value) {
    auto* number = new Int64Box;
    number->setRange(minimum, maximum);
    number->setValue(value);
    return number;
  };
  Int64Box* prompt = box(1, 65536, defaults.promptTokens);
  Int64Box* generated = box(1, 65536, defaults.generatedTokens);
  Int64Box* repetitions = box(1, 1000, defaults.repetitions);
  prompt->setToolTip(
      tr("Tokens that are read before the first is generated. Default: %1").arg(defaults.promptTokens));
  generated->setToolTip(
      tr("Tokens that are generated and timed one by one. Default: %1").arg(defaults.generatedTokens));
  repetitions->setToolTip(tr("Runs that are counted. Default: %1").arg(defaults.repetitions));
  QFormLayout* form = makeFormLayout();
  addFormRow(*form, tr("Prompt"), new FormField(prompt, tr("tokens")));
  addFormRow(*form, tr("Generated"), new FormField(generated, tr("tokens")));
  addFormRow(*form, tr("Repetitions"), new FormField(repetitions, tr("after one to warm up")));
  dialog.body()->addLayout(form);
  dialog.body()->addWidget(makeHint(tr("For figures that can be compared, let nothing else run meanwhile.")));
  if (dialog.exec() != QDialog::Accepted)
    return;
  for (const ExperimentRow& row : rows) {
    workflow::BenchmarkRequest request{row.path, defaults, row.hash};
    request.options.promptTokens = prompt->value();
    request.options.generatedTokens = generated->value();
    request.options.repetitions = static_cast<int>(repetitions->value());
    session.benchmark(request, artifactTitle(row));
  }
  emit session.pageRequested(QStringLiteral("queue"));
}

void askToExport(Session& session, const ExperimentRow& row, QWidget* parent) {
  FormDialog dialog(tr("Export as GGUF"), tr("Choose a file…"), parent);
  dialog.body()->addWidget(new QLabel(artifactTitle(row)));
  QFormLayout* form = makeFormLayout();
  QComboBox* type = makeGgufTypeCombo(row.bits);
  addFormRow(*form, tr("Type"), new FormField(type));
  dialog.body()->addLayout(form);
  dialog.body()->addWidget(makeHint(ggufTypeHint()));
  if (dialog.exec() != QDialog::Accepted)
    return;
  const std::filesystem::path folder = std::filesystem::path(row.path).parent_path();
  const QString proposal =
      toQString(folder) + QStringLiteral("/%1-%2.gguf").arg(modelNameOf(row.path), type->currentText());
  const QString path =
      QFileDialog::getSaveFileName(parent, tr("Export as GGUF"), proposal, tr("GGUF files (*.gguf)"));
  if (path.isEmpty())
    return;
  // The file dialog has asked before a file is replaced.
  session.exportModel({row.path, ggufTypeOf(*type), toPath(path), true, row.hash}, artifactTitle(row));
  emit session.pageRequested(QStringLiteral("queue"));
}

void askToDeploy(Session& session, experiments::RowId artifact, const QString& device, QWidget* parent) {
  DeployDialog dialog(session, artifact, device, parent);
  if (dialog.exec() != QDialog::Accepted)
    return;
  session.deploy(dialog.request(), dialog.artifactName());
  emit session.pageRequested(QStringLiteral("queue"));
}

void askToDelete(Session& session, const std::vector<ExperimentRow>& rows, QWidget* parent) {
  const QString question =
      tr("Delete the files of these artifacts? Their figures stay in the experiment log. Files that "
         "Nibblesmith did not write, or that were changed since, stay, too.");
  QMessageBox box(QMessageBox::Warning, tr("Delete files"), question, QMessageBox::Cancel, parent);
  box.setInformativeText(titles(rows));
  const QPushButton* remove = box.addButton(tr("Delete files"), QMessageBox::DestructiveRole);
  box.setDefaultButton(QMessageBox::Cancel);
  box.exec();
  if (static_cast<const QObject*>(box.clickedButton()) != static_cast<const QObject*>(remove))
    return;
  for (const ExperimentRow& row : rows)
    session.deleteArtifactFiles(row.path, artifactTitle(row));
}

} // namespace nibblesmith::ui
