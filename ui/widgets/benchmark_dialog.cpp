// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/benchmark_dialog.hpp"

#include "ui/widgets/card.hpp"
#include "ui/widgets/form_field.hpp"
#include "ui/widgets/help.hpp"
#include "ui/widgets/label.hpp"
#include "ui/widgets/number_boxes.hpp"

#include <QFormLayout>
#include <QVBoxLayout>

namespace nibblesmith::ui {

namespace {

constexpr qint64 kMostTokens = 65536;
constexpr qint64 kMostRepetitions = 1000;

Int64Box* makeBox(qint64 maximum, qint64 value, const QString& help) {
  auto* box = new Int64Box;
  box->setRange(1, maximum);
  box->setValue(value);
  setHelp(box, help.arg(value));
  return box;
}

} // namespace

BenchmarkDialog::BenchmarkDialog(const QString& artifacts, QWidget* parent)
    : FormDialog(tr("Benchmark on this machine"), tr("Benchmark"), parent) {
  const benchmark::BenchmarkOptions defaults;
  m_prompt = makeBox(kMostTokens, defaults.promptTokens,
                     tr("Tokens that are read before the first is generated. Default: %1"));
  m_generated = makeBox(kMostTokens, defaults.generatedTokens,
                        tr("Tokens that are generated and timed one by one. Default: %1"));
  m_repetitions = makeBox(kMostRepetitions, defaults.repetitions, tr("Runs that are counted. Default: %1"));
  auto* names = new Label(artifacts);
  names->setWordWrap(true);
  QFormLayout* form = makeFormLayout();
  addFormRow(*form, tr("Prompt"), new FormField(m_prompt, tr("tokens")));
  addFormRow(*form, tr("Generated"), new FormField(m_generated, tr("tokens")));
  addFormRow(*form, tr("Repetitions"), new FormField(m_repetitions, tr("after one to warm up")));
  body()->addWidget(names);
  body()->addLayout(form);
  body()->addWidget(makeHint(tr("For figures that can be compared, let nothing else run meanwhile.")));
}

benchmark::BenchmarkOptions BenchmarkDialog::options() const {
  benchmark::BenchmarkOptions options;
  options.promptTokens = m_prompt->value();
  options.generatedTokens = m_generated->value();
  options.repetitions = static_cast<int>(m_repetitions->value());
  return options;
}

} // namespace nibblesmith::ui
