// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/parameter_form.hpp"

#include "ui/session/text.hpp"
#include "ui/widgets/form_field.hpp"
#include "ui/widgets/help.hpp"
#include "ui/widgets/label.hpp"

#include <QFormLayout>

#include <algorithm>

namespace nibblesmith::ui {

ParameterForm::ParameterForm(const quantization::MethodDescription& method, QWidget* parent)
    : QWidget(parent), m_method(method) {
  QFormLayout* layout = makeFormLayout();
  layout->setContentsMargins(0, 0, 0, 0);
  setLayout(layout);
  for (const quantization::Parameter& parameter : m_method.parameters) {
    Row row;
    row.editor = ParameterEditor::make(parameter);
    row.field = new FormField(row.editor->widget(), toQString(std::string_view(parameter.unit)));
    row.label = addFormRow(*layout, toQString(std::string_view(parameter.label)), row.field);
    setHelp(row.label, parameterHelp(parameter));
    connect(row.editor.get(), &ParameterEditor::changed, this, [this] {
      updateEnabled();
      if (!m_setting)
        emit changed();
    });
    m_rows.push_back(std::move(row));
  }
  updateEnabled();
}

ParameterForm::~ParameterForm() = default;

base::Json ParameterForm::values() const {
  base::Json values = base::Json::object();
  for (const Row& row : m_rows) {
    const quantization::Parameter& parameter = row.editor->parameter();
    const base::Json value = row.editor->value();
    if (applies(parameter) && (value != parameter.defaultValue || m_given.contains(parameter.key)))
      values[parameter.key] = value;
  }
  return values;
}

void ParameterForm::setValues(const base::Json& values) {
  m_given = values.is_object() ? values : base::Json::object();
  m_setting = true;
  for (const Row& row : m_rows) {
    const quantization::Parameter& parameter = row.editor->parameter();
    row.editor->setValue(parameter.defaultValue);
    if (m_given.contains(parameter.key))
      row.editor->setValue(m_given.at(parameter.key));
  }
  m_setting = false;
  clearProblems();
  updateEnabled();
  emit changed();
}

bool ParameterForm::setProblem(const std::string& key, const QString& text) {
  const Row* row = find(key);
  if (row)
    row->field->setProblem(text);
  return row != nullptr;
}

void ParameterForm::clearProblems() {
  for (const Row& row : m_rows)
    row.field->setProblem({});
}

QWidget* ParameterForm::editor(const std::string& key) const {
  const Row* row = find(key);
  return row ? row->editor->widget() : nullptr;
}

const ParameterForm::Row* ParameterForm::find(const std::string& key) const {
  const auto found = std::find_if(m_rows.begin(), m_rows.end(),
                                  [&](const Row& row) { return row.editor->parameter().key == key; });
  return found == m_rows.end() ? nullptr : &*found;
}

bool ParameterForm::applies(const quantization::Parameter& parameter) const {
  return std::all_of(
      parameter.appliesWhen.items().begin(), parameter.appliesWhen.items().end(), [&](const auto& condition) {
        const Row* other = find(condition.key());
        if (!other)
          return true;
        const base::Json value = other->editor->value();
        const base::Json& wanted = condition.value();
        return wanted.is_array() ? std::find(wanted.begin(), wanted.end(), value) != wanted.end()
                                 : wanted == value;
      });
}

void ParameterForm::updateEnabled() {
  for (const Row& row : m_rows) {
    const bool isEnabled = applies(row.editor->parameter());
    row.field->setEnabled(isEnabled);
    row.label->setEnabled(isEnabled);
  }
}

} // namespace nibblesmith::ui
