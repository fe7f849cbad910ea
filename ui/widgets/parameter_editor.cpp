// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/parameter_editor.hpp"
#include "ui/widgets/help.hpp"

#include "ui/session/text.hpp"
#include "ui/widgets/number_boxes.hpp"

#include <QCheckBox>
#include <QComboBox>
#include <QCoreApplication>
#include <QIntValidator>
#include <QLineEdit>

#include <cmath>
#include <limits>

namespace nibblesmith::ui {

namespace {

using quantization::Parameter;
using quantization::ParameterType;

QString tr(const char* text) { return QCoreApplication::translate("ParameterEditor", text); }

bool isWhole(const base::Json& value) {
  return value.is_number_integer() ||
         (value.is_number_float() && value.get<double>() == std::floor(value.get<double>()));
}

qint64 bound(const std::optional<double>& value, qint64 otherwise) {
  // 2^63 and larger doubles do not convert; the limit stays below it.
  constexpr double kLargest = 9.2e18;
  return value && std::abs(*value) < kLargest ? static_cast<qint64>(*value) : otherwise;
}

class IntegerEditor final : public ParameterEditor {
public:
  explicit IntegerEditor(const Parameter& parameter) : ParameterEditor(parameter), m_box(new Int64Box) {
    m_box->setRange(bound(parameter.minimum, std::numeric_limits<qint64>::min()),
                    bound(parameter.maximum, std::numeric_limits<qint64>::max()));
    connect(m_box, &Int64Box::valueChanged, this, &ParameterEditor::changed);
  }
  QWidget* widget() const override { return m_box; }
  base::Json value() const override { return static_cast<int64_t>(m_box->value()); }
  void setValue(const base::Json& value) override {
    if (isWhole(value))
      m_box->setValue(value.get<int64_t>());
  }

private:
  Int64Box* m_box;
};

/// Editor of an integer with proposed values; other values can be typed.
class EditableChoiceEditor final : public ParameterEditor {
public:
  explicit EditableChoiceEditor(const Parameter& parameter)
      : ParameterEditor(parameter), m_box(new QComboBox) {
    constexpr int kMost = std::numeric_limits<int>::max();
    m_box->setEditable(true);
    m_box->setInsertPolicy(QComboBox::NoInsert);
    m_box->setCompleter(nullptr); // would complete a typed 12 to 128
    m_box->lineEdit()->setAcceptDrops(false);
    for (const base::Json& choice : parameter.choices)
      m_box->addItem(foreignText(jsonText(choice)));
    m_box->setValidator(
        new QIntValidator(static_cast<int>(std::max<qint64>(bound(parameter.minimum, -kMost), -kMost)),
                          static_cast<int>(std::min<qint64>(bound(parameter.maximum, kMost), kMost)), m_box));
    connect(m_box, &QComboBox::currentTextChanged, this, [this] {
      if (m_box->lineEdit()->hasAcceptableInput())
        emit changed();
    });
  }
  QWidget* widget() const override { return m_box; }
  base::Json value() const override {
    bool isNumber = false;
    const qint64 number = m_box->currentText().toLongLong(&isNumber);
    return isNumber ? base::Json(static_cast<int64_t>(number)) : parameter().defaultValue;
  }
  void setValue(const base::Json& value) override {
    if (isWhole(value))
      m_box->setCurrentText(QString::number(value.get<int64_t>()));
  }

private:
  QComboBox* m_box;
};

class NumberEditor final : public ParameterEditor {
public:
  explicit NumberEditor(const Parameter& parameter) : ParameterEditor(parameter), m_box(new NumberBox) {
    m_box->setRange(parameter.minimum.value_or(-1e15), parameter.maximum.value_or(1e15));
    connect(m_box, &QDoubleSpinBox::valueChanged, this, &ParameterEditor::changed);
  }
  QWidget* widget() const override { return m_box; }
  base::Json value() const override { return m_box->value(); }
  void setValue(const base::Json& value) override {
    if (value.is_number())
      m_box->setValue(value.get<double>());
  }

private:
  NumberBox* m_box;
};

class BooleanEditor final : public ParameterEditor {
public:
  explicit BooleanEditor(const Parameter& parameter) : ParameterEditor(parameter), m_box(new QCheckBox) {
    connect(m_box, &QCheckBox::toggled, this, &ParameterEditor::changed);
  }
  QWidget* widget() const override { return m_box; }
  base::Json value() const override { return m_box->isChecked(); }
  void setValue(const base::Json& value) override {
    if (value.is_boolean())
      m_box->setChecked(value.get<bool>());
  }

private:
  QCheckBox* m_box;
};

class ChoiceEditor final : public ParameterEditor {
public:
  explicit ChoiceEditor(const Parameter& parameter) : ParameterEditor(parameter), m_box(new QComboBox) {
    for (const base::Json& choice : parameter.choices)
      m_box->addItem(foreignText(jsonText(choice)));
    connect(m_box, &QComboBox::currentIndexChanged, this, &ParameterEditor::changed);
  }
  QWidget* widget() const override { return m_box; }
  base::Json value() const override {
    const int index = m_box->currentIndex();
    return index < 0 ? parameter().defaultValue : parameter().choices[static_cast<size_t>(index)];
  }
  void setValue(const base::Json& value) override {
    const auto& choices = parameter().choices;
    for (size_t i = 0; i < choices.size(); ++i)
      if (choices[i] == value)
        m_box->setCurrentIndex(static_cast<int>(i));
  }

private:
  QComboBox* m_box;
};

} // namespace

std::unique_ptr<ParameterEditor> ParameterEditor::make(const Parameter& parameter) {
  std::unique_ptr<ParameterEditor> editor;
  switch (parameter.type) {
  case ParameterType::Integer:
    if (parameter.choices.empty())
      editor = std::make_unique<IntegerEditor>(parameter);
    else
      editor = std::make_unique<EditableChoiceEditor>(parameter);
    break;
  case ParameterType::Number:
    editor = std::make_unique<NumberEditor>(parameter);
    break;
  case ParameterType::Boolean:
    editor = std::make_unique<BooleanEditor>(parameter);
    break;
  case ParameterType::Choice:
    editor = std::make_unique<ChoiceEditor>(parameter);
    break;
  }
  editor->setValue(parameter.defaultValue);
  setHelp(editor->widget(), parameterHelp(parameter));
  editor->widget()->setAccessibleName(toQString(std::string_view(parameter.label)));
  editor->widget()->setObjectName(toQString(std::string_view(parameter.key)));
  return editor;
}

QString parameterHelp(const Parameter& parameter) {
  const auto number = [](double value) { return QString::number(value, 'g', 10); };
  QStringList lines = {toQString(std::string_view(parameter.help)), {}};
  if (!parameter.unit.empty())
    lines << tr("Unit: %1").arg(toQString(std::string_view(parameter.unit)));
  if (parameter.minimum && parameter.maximum)
    lines << tr("Range: %1 to %2").arg(number(*parameter.minimum), number(*parameter.maximum));
  else if (parameter.minimum)
    lines << tr("At least %1").arg(number(*parameter.minimum));
  else if (parameter.maximum)
    lines << tr("At most %1").arg(number(*parameter.maximum));
  lines << tr("Default: %1").arg(jsonText(parameter.defaultValue));
  return lines.join(QLatin1Char('\n'));
}

QString jsonText(const base::Json& value) {
  if (value.is_string())
    return toQString(std::string_view(value.get_ref<const std::string&>()));
  if (value.is_boolean())
    return value.get<bool>() ? tr("yes") : tr("no");
  if (value.is_number_float())
    return QString::number(value.get<double>(), 'g', 10);
  return toQString(std::string_view(value.dump()));
}

} // namespace nibblesmith::ui
