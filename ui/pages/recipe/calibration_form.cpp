// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/recipe/calibration_form.hpp"

#include "ui/session/text.hpp"
#include "ui/widgets/card.hpp"
#include "ui/widgets/form_field.hpp"
#include "ui/widgets/number_boxes.hpp"
#include "ui/widgets/path_field.hpp"

#include <QComboBox>
#include <QFileInfo>
#include <QFormLayout>
#include <QLabel>
#include <QLineEdit>

#include <limits>

namespace nibblesmith::ui {

CalibrationForm::CalibrationForm(QWidget* parent)
    : QWidget(parent),
      m_file(new PathField(PathField::Kind::OpenFile, tr("Choose calibration data"),
                           tr("Prompts, texts and token ids (*.json *.jsonl *.txt *.raw *.i32);;All files (*)"))),
      m_samples(new Int64Box), m_length(new Int64Box), m_sampling(new QComboBox), m_seed(new Int64Box),
      m_fileField(new FormField(m_file, {}, true)), m_hint(makeHint()), m_fields(new QWidget) {
  m_file->setPlaceholder(tr("prompts (JSON, JSONL), plain text, or token ids (.i32)"));
  m_file->edit()->setToolTip(tr("[{\"prompt\": …}] JSON, JSONL with “prompt” or “text”, plain text, or int32 token ids. "
                                "Take texts like those the model will see."));
  m_samples->setRange(1, 100000);
  m_samples->setToolTip(tr("Sequences taken from the file. Range: 1 to 100000. Default: 128"));
  m_length->setRange(8, 131072);
  m_length->setToolTip(tr("Tokens of one sequence. Range: 8 to 131072. Default: 512"));
  m_sampling->addItem(tr("random"), QStringLiteral("random"));
  m_sampling->addItem(tr("first"), QStringLiteral("first"));
  m_sampling->setToolTip(tr("random: seeded, without repetition. first: from the beginning. Default: random"));
  m_seed->setRange(0, std::numeric_limits<qint64>::max());
  m_seed->setToolTip(tr("The same seed takes the same samples. Default: 1"));

  QFormLayout* form = makeFormLayout();
  form->setContentsMargins(0, 0, 0, 0);
  m_fields->setLayout(form);
  addFormRow(*form, tr("File"), m_fileField);
  addFormRow(*form, tr("Samples"), new FormField(m_samples));
  addFormRow(*form, tr("Length"), new FormField(m_length, tr("tokens")));
  addFormRow(*form, tr("Sampling"), new FormField(m_sampling));
  addFormRow(*form, tr("Seed"), new FormField(m_seed));
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->addWidget(m_hint);
  layout->addWidget(m_fields);
  m_hint->hide();
  setOptions({});

  connect(m_file, &PathField::pathChanged, this, &CalibrationForm::changed);
  for (Int64Box* box : {m_samples, m_length, m_seed})
    connect(box, &Int64Box::valueChanged, this, &CalibrationForm::changed);
  connect(m_sampling, &QComboBox::currentIndexChanged, this, &CalibrationForm::changed);
}

calibration::CalibrationOptions CalibrationForm::options() const {
  calibration::CalibrationOptions options;
  options.samples = m_samples->value();
  options.length = m_length->value();
  options.sampling = m_sampling->currentData().toString().toStdString();
  options.seed = static_cast<uint64_t>(m_seed->value());
  return options;
}

void CalibrationForm::setOptions(const calibration::CalibrationOptions& options) {
  m_samples->setValue(options.samples);
  m_length->setValue(options.length);
  m_sampling->setCurrentIndex(std::max(0, m_sampling->findData(toQString(std::string_view(options.sampling)))));
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
  return problem.isEmpty();
}

} // namespace nibblesmith::ui
