// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/form_field.hpp"

#include "ui/widgets/card.hpp"
#include "ui/widgets/label.hpp"

#include <QFormLayout>
#include <QHBoxLayout>

#include <algorithm>

namespace nibblesmith::ui {

namespace {
constexpr int kLabelDigits = 18;
}

FormField::FormField(QWidget* editor, const QString& unit, bool stretch, QWidget* parent)
    : QWidget(parent), m_editor(editor), m_problem(new Label) {
  auto* row = new QHBoxLayout;
  row->setSpacing(6);
  row->addWidget(editor, stretch ? 1 : 0);
  if (!unit.isEmpty()) {
    Label* label = makeHint(unit);
    label->setWordWrap(false);
    row->addWidget(label);
  }
  if (!stretch)
    row->addStretch(1);
  m_problem->setWordWrap(true);
  m_problem->hide();
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(2);
  layout->addLayout(row);
  layout->addWidget(m_problem);
  setFocusProxy(editor);
}

void FormField::setProblem(const QString& text) { setProblemText(*m_problem, text); }

QString FormField::problem() const { return m_problem->text(); }

QFormLayout* makeFormLayout() {
  auto* layout = new QFormLayout;
  layout->setLabelAlignment(Qt::AlignLeft | Qt::AlignTop);
  layout->setFormAlignment(Qt::AlignLeft | Qt::AlignTop);
  layout->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);
  layout->setHorizontalSpacing(16);
  layout->setVerticalSpacing(8);
  return layout;
}

Label* addFormRow(QFormLayout& form, const QString& text, QWidget* field) {
  auto* label = new Label(text);
  label->setMinimumWidth(label->fontMetrics().horizontalAdvance(QLatin1Char('0')) * kLabelDigits);
  label->setBuddy(field);
  form.addRow(label, field);
  // Gives label and field the same height to align their texts; a field of several lines has its label at the
  // first.
  const int lineHeight = 2 * label->fontMetrics().height() + 2;
  label->setFixedHeight(std::min(field->sizeHint().height(), lineHeight));
  return label;
}

} // namespace nibblesmith::ui
