// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/evaluate_dialog.hpp"

#include "ui/session/model_name.hpp"
#include "ui/widgets/evaluation_form.hpp"
#include "ui/widgets/label.hpp"
#include "workflow/evaluate.hpp"

#include <QVBoxLayout>

namespace nibblesmith::ui {

EvaluateDialog::EvaluateDialog(const QString& artifacts, const FilesBesideModel& files, QWidget* parent)
    : FormDialog(tr("Evaluate"), tr("Evaluate"), parent), m_form(new EvaluationForm) {
  auto* names = new Label(artifacts);
  names->setWordWrap(true);
  m_form->setFiles(files);
  body()->addWidget(names);
  body()->addWidget(m_form);
  setCheck([this] { return m_form->check(); });
}

workflow::EvaluateRequest EvaluateDialog::request() const { return m_form->request(); }

} // namespace nibblesmith::ui
