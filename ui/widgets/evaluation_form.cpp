// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/evaluation_form.hpp"

#include "evaluation/perplexity.hpp"
#include "ui/session/model_name.hpp"
#include "ui/session/text.hpp"
#include "ui/widgets/form_field.hpp"
#include "ui/widgets/help.hpp"
#include "ui/widgets/label.hpp"
#include "ui/widgets/number_boxes.hpp"
#include "ui/widgets/path_field.hpp"
#include "ui/widgets/path_list.hpp"
#include "workflow/evaluate.hpp"

#include <QComboBox>
#include <QFileInfo>
#include <QFormLayout>
#include <QLineEdit>

namespace nibblesmith::ui {

EvaluationForm::EvaluationForm(QWidget* parent)
    : QWidget(parent), m_text(new PathField(PathField::Kind::OpenFile, tr("Choose a text for perplexity"),
                                            tr("Texts and token ids (*.txt *.raw *.i32);;All files (*)"))),
      m_style(new QComboBox), m_context(new Int64Box),
      m_pairs(
          new PathList(tr("Add files of pairs for ROUGE and BLEU"), tr("Pairs (*.jsonl);;All files (*)"))),
      m_limit(new Int64Box) {
  m_text->setPlaceholder(tr("no perplexity"));
  setHelp(m_text->edit(),
          tr("A text that was not used for calibration, or little-endian int32 token ids (.i32)"));
  m_style->addItem(tr("as llama.cpp"), static_cast<int>(evaluation::PerplexityStyle::LlamaCpp));
  m_style->addItem(tr("full windows"), static_cast<int>(evaluation::PerplexityStyle::Windows));
  setHelp(m_style, tr("as llama.cpp: the second half of each chunk is counted, as llama-perplexity does.\n"
                      "full windows: every prediction is counted, as in the GPTQ paper."));
  m_context->setRange(16, 131072);
  m_context->setValue(512);
  setHelp(m_context, tr("Tokens of one chunk. Range: 16 to 131072. Default: 512"));
  setHelp(m_pairs, tr("JSON lines with “prompt” and “reference”"));
  m_limit->setRange(0, 1000000);
  setHelp(m_limit, tr("Pairs taken from each file; 0 takes all. Default: 0"));
  m_textField = new FormField(m_text, {}, true);
  m_pairsField = new FormField(m_pairs, {}, true);

  QFormLayout* layout = makeFormLayout();
  layout->setContentsMargins(0, 0, 0, 0);
  setLayout(layout);
  const auto addRow = [layout](const QString& label, QWidget* field) {
    addFormRow(*layout, label, field)->setMinimumWidth(0); // keeps the form narrow enough for a side bar
  };
  addRow(tr("Text"), m_textField);
  addRow(tr("Perplexity"), new FormField(m_style));
  addRow(tr("Context"), new FormField(m_context, tr("tokens")));
  addRow(tr("Pairs"), m_pairsField);
  addRow(tr("At most"), new FormField(m_limit, tr("pairs per file, 0: all")));
  connect(m_text, &PathField::pathChanged, this, &EvaluationForm::changed);
  connect(m_pairs, &PathList::pathsChanged, this, &EvaluationForm::changed);
}

workflow::EvaluateRequest EvaluationForm::request() const {
  workflow::EvaluateRequest request;
  request.text = toPath(m_text->path());
  request.style = static_cast<evaluation::PerplexityStyle>(m_style->currentData().toInt());
  request.context = m_context->value();
  for (const QString& path : m_pairs->paths())
    request.pairs.push_back(toPath(path));
  request.limit = m_limit->value();
  return request;
}

void EvaluationForm::setFiles(const FilesBesideModel& files) {
  if (m_text->path().isEmpty() && !files.text.empty())
    m_text->setPath(toQString(files.text));
  if (m_pairs->paths().isEmpty()) {
    QStringList pairs;
    for (const std::filesystem::path& file : files.pairs)
      pairs << toQString(file);
    m_pairs->setPaths(pairs);
  }
}

bool EvaluationForm::check() {
  const QString text = m_text->path();
  const QStringList pairs = m_pairs->paths();
  QString textProblem, pairsProblem;
  if (!text.isEmpty() && !QFileInfo(text).isFile())
    textProblem = tr("There is no such file.");
  for (const QString& path : pairs)
    if (!QFileInfo(path).isFile())
      pairsProblem = tr("There is no file %1.").arg(path);
  if (text.isEmpty() && pairs.isEmpty())
    textProblem = tr("Choose a text, or pairs, or both.");
  m_textField->setProblem(textProblem);
  m_pairsField->setProblem(pairsProblem);
  return textProblem.isEmpty() && pairsProblem.isEmpty();
}

} // namespace nibblesmith::ui
