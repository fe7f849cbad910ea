// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/recipe/calibration_form.hpp"

#include "ui/session/text.hpp"
#include "ui/widgets/card.hpp"
#include "ui/widgets/form_field.hpp"
#include "ui/widgets/help.hpp"
#include "ui/widgets/label.hpp"
#include "ui/widgets/number_boxes.hpp"
#include "ui/widgets/path_field.hpp"

#include <QComboBox>
#include <QFileInfo>
#include <QFormLayout>
#include <QLineEdit>

#include <limits>

namespace nibblesmith::ui {

CalibrationForm::CalibrationForm(QWidget* parent)
    : QWidget(parent),
      m_file(new PathField(
          PathField::Kind::OpenFile, tr("Choose calibration data"),
          tr("Prompts, texts and token ids (*.json *.jsonl *.txt *.raw *.i32);;All files (*)"))),
      m_samples(new Int64Box), m_length(new Int64Box), m_sampling(new QComboBox), m_seed(new Int64Box),
      m_packing(new QComboBox), m_chatTemplate(new QComboBox), m_fileField(new FormField(m_file, {}, true)),
      m_hint(makeHint()), m_fields(new QWidget) {
  m_file->setPlaceholder(tr("prompts (JSON, JSONL), plain text, or token ids (.i32)"));
  setHelp(m_file->edit(), tr("[{\"prompt\": …}] or [{\"messages\": [{\"role\", \"content\"}]}] JSON, "
                             "JSONL of the same or with “text”, plain text, or int32 token ids. "
                             "Take texts like those the model will see."));
  m_samples->setRange(1, 100000);
  setHelp(m_samples, tr("Sequences taken from the file. Range: 1 to 100000. Default: 128"));
  m_length->setRange(8, 131072);
  setHelp(m_length, tr("Tokens of one sequence. Range: 8 to 131072. Default: 512"));
  m_sampling->addItem(tr("random"), QStringLiteral("random"));
  m_sampling->addItem(tr("first"), QStringLiteral("first"));
  m_sampling->addItem(tr("diverse"), QStringLiteral("diverse"));
  setHelp(m_sampling,
          tr("random: seeded, without repetition. first: from the beginning. diverse: k-means over the "
             "model's own embeddings, the texts nearest to the centres. Default: random"));
  m_seed->setRange(0, std::numeric_limits<qint64>::max());
  setHelp(m_seed, tr("The same seed takes the same samples. Default: 1"));

  m_packing->addItem(tr("full sequences"), QStringLiteral("sequence"));
  m_packing->addItem(tr("one prompt each"), QStringLiteral("none"));
  setHelp(m_packing,
          tr("full sequences: prompts one after the other until the length is reached. one prompt each: as "
             "long as it is, cut at the length. Default: full sequences"));
  m_chatTemplate->addItem(tr("chats only"), QStringLiteral("chats"));
  m_chatTemplate->addItem(tr("all prompts"), QStringLiteral("all"));
  m_chatTemplate->addItem(tr("not applied"), QStringLiteral("none"));
  setHelp(m_chatTemplate,
          tr("What the model's own chat template is applied to. An instruct model sees its template "
             "whenever it is used. Default: chats only"));

  QFormLayout* form = makeFormLayout();
  form->setContentsMargins(0, 0, 0, 0);
  m_fields->setLayout(form);
  addFormRow(*form, tr("File"), m_fileField);
  const auto addOption = [&](const char* key, const QString& label, QWidget* editor,
                             const QString& unit = {}) {
    m_optionFields[key] = new FormField(editor, unit);
    editor->setObjectName(QLatin1String(key));
    addFormRow(*form, label, m_optionFields[key]);
  };
  addOption("samples", tr("Samples"), m_samples);
  addOption("length", tr("Length"), m_length, tr("tokens"));
  addOption("sampling", tr("Sampling"), m_sampling);
  addOption("seed", tr("Seed"), m_seed);
  addOption("packing", tr("Packing"), m_packing);
  addOption("chatTemplate", tr("Chat template"), m_chatTemplate);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->addWidget(m_hint);
  layout->addWidget(m_fields);
  m_hint->hide();
  setOptions({});

  connect(m_file, &PathField::pathChanged, this, &CalibrationForm::changed);
  for (Int64Box* box : {m_samples, m_length, m_seed})
    connect(box, &Int64Box::valueChanged, this, &CalibrationForm::changed);
  for (QComboBox* combo : {m_sampling, m_packing, m_chatTemplate})
    connect(combo, &QComboBox::currentIndexChanged, this, &CalibrationForm::changed);
}

calibration::CalibrationOptions CalibrationForm::options() const {
  const auto chosen = [](const QComboBox& combo) { return combo.currentData().toString().toStdString(); };
  calibration::CalibrationOptions options;
  options.samples = m_samples->value();
  options.length = m_length->value();
  options.sampling = calibration::samplingFrom(chosen(*m_sampling), "calibration");
  options.seed = static_cast<uint64_t>(m_seed->value());
  options.packing = calibration::packingFrom(chosen(*m_packing), "calibration");
  options.chatTemplate = calibration::chatTemplateUseFrom(chosen(*m_chatTemplate), "calibration");
  return options;
}

void CalibrationForm::setOptions(const calibration::CalibrationOptions& options) {
  m_samples->setValue(options.samples);
  m_length->setValue(options.length);
  const auto choose = [](QComboBox& combo, std::string_view value) {
    combo.setCurrentIndex(std::max(0, combo.findData(toQString(value))));
  };
  choose(*m_sampling, toString(options.sampling));
  choose(*m_packing, toString(options.packing));
  choose(*m_chatTemplate, toString(options.chatTemplate));
  m_seed->setValue(static_cast<qint64>(
      std::min<uint64_t>(options.seed, static_cast<uint64_t>(std::numeric_limits<qint64>::max()))));
}

QString CalibrationForm::file() const { return m_file->path(); }

void CalibrationForm::setFile(const QString& path) { m_file->setPath(path); }

void CalibrationForm::setNeeded(bool needed, const QString& method) {
  m_needed = needed;
  m_hint->setText(tr("%1 looks at the weights alone and needs no calibration data.").arg(method));
  m_hint->setVisible(!needed && !method.isEmpty());
  m_fields->setVisible(needed);
}

bool CalibrationForm::check() {
  QString problem;
  if (m_needed && file().isEmpty())
    problem = tr("This method learns from data: choose a file.");
  else if (m_needed && !QFileInfo(file()).isFile())
    problem = tr("There is no such file.");
  m_fileField->setProblem(problem);
  for (const auto& [key, field] : m_optionFields)
    field->setProblem({});
  return problem.isEmpty();
}

void CalibrationForm::showProblem(const QString& text) {
  for (const auto& [key, field] : m_optionFields)
    if (text.contains(QStringLiteral("calibration: '%1'").arg(toQString(std::string_view(key))))) {
      field->setProblem(text);
      return;
    }
  m_fileField->setProblem(text);
}

void CalibrationForm::addBelow(QWidget* widget) {
  static_cast<QFormLayout*>(m_fields->layout())->addRow(widget);
}

} // namespace nibblesmith::ui
