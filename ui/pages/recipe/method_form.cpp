// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/recipe/method_form.hpp"

#include "ui/session/text.hpp"
#include "ui/widgets/card.hpp"
#include "ui/widgets/form_field.hpp"
#include "ui/widgets/help.hpp"
#include "ui/widgets/label.hpp"
#include "ui/widgets/parameter_form.hpp"

#include <QComboBox>
#include <QFormLayout>
#include <QVBoxLayout>

namespace nibblesmith::ui {

MethodForm::MethodForm(const QString& label, const QString& help,
                       std::vector<quantization::MethodDescription> methods, QWidget* parent)
    : QWidget(parent), m_methods(std::move(methods)), m_combo(new QComboBox), m_field(new FormField(m_combo)),
      m_help(makeHint()), m_place(new QVBoxLayout) {
  setHelp(m_combo, help);
  m_combo->setAccessibleName(label);
  for (const auto& method : m_methods)
    m_combo->addItem(foreignText(method.label), toQString(std::string_view(method.name)));
  QFormLayout* form = makeFormLayout();
  addFormRow(*form, label, m_field);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(8);
  layout->addLayout(form);
  layout->addWidget(m_help);
  layout->addLayout(m_place);
  connect(m_combo, &QComboBox::currentIndexChanged, this, [this](int index) {
    showMethod(index);
    emit changed();
  });
  showMethod(m_combo->currentIndex());
}

quantization::MethodChoice MethodForm::choice() const {
  if (!m_parameters)
    return {};
  return {m_parameters->method().name, m_parameters->values()};
}

bool MethodForm::setChoice(const quantization::MethodChoice& choice) {
  const int index = m_combo->findData(toQString(std::string_view(choice.use)));
  if (index < 0) {
    m_field->setProblem(tr("There is no method “%1” here.").arg(toQString(std::string_view(choice.use))));
    return false;
  }
  m_combo->setCurrentIndex(index);
  m_parameters->setValues(choice.parameters);
  m_field->setProblem({});
  return true;
}

const quantization::MethodDescription* MethodForm::method() const {
  return m_parameters ? &m_parameters->method() : nullptr;
}

void MethodForm::setProblem(const QString& text) {
  clearProblems();
  if (text.isEmpty())
    return;
  if (m_parameters)
    for (const quantization::Parameter& parameter : m_parameters->method().parameters)
      if (text.contains(toQString(std::string_view(parameter.key))) &&
          m_parameters->setProblem(parameter.key, text))
        return;
  m_field->setProblem(text);
}

void MethodForm::clearProblems() {
  m_field->setProblem({});
  if (m_parameters)
    m_parameters->clearProblems();
}

void MethodForm::showMethod(int index) {
  if (m_parameters) {
    m_values[m_shown] = m_parameters->values();
    delete m_parameters;
    m_parameters = nullptr;
  }
  if (index < 0)
    return;
  const quantization::MethodDescription& method = m_methods[static_cast<size_t>(index)];
  m_shown = method.name;
  QString help = toQString(std::string_view(method.help));
  if (!method.source.empty())
    help += QLatin1Char(' ') + toQString(std::string_view(method.source));
  m_help->setText(help);
  m_parameters = new ParameterForm(method);
  if (const auto kept = m_values.find(m_shown); kept != m_values.end())
    m_parameters->setValues(kept->second);
  m_place->addWidget(m_parameters);
  m_parameters->setVisible(!method.parameters.empty());
  connect(m_parameters, &ParameterForm::changed, this, &MethodForm::changed);
}

} // namespace nibblesmith::ui
