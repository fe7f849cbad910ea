// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/number_boxes.hpp"

#include <QFontMetrics>
#include <QLineEdit>
#include <QLocale>
#include <QStyle>
#include <QStyleOptionSpinBox>

#include <algorithm>

namespace nibblesmith::ui {

namespace {
constexpr int kNumberDigits = 10;
constexpr int kShownDigits =
    7; // fits "1e-06" and "0.00125"; Qt's own hint only considers the ends of the range
} // namespace

Int64Box::Int64Box(QWidget* parent) : QAbstractSpinBox(parent) {
  lineEdit()->setText(QString::number(m_value));
  lineEdit()->setAcceptDrops(false); // the window handles dropped files
  setSizePolicy(QSizePolicy::Minimum, QSizePolicy::Fixed);
  connect(lineEdit(), &QLineEdit::textEdited, this, &Int64Box::readText);
  connect(this, &QAbstractSpinBox::editingFinished, this,
          [this] { lineEdit()->setText(QString::number(m_value)); });
}

void Int64Box::setValue(qint64 value) {
  value = std::clamp(value, m_minimum, m_maximum);
  const bool isNew = value != m_value;
  m_value = value;
  lineEdit()->setText(QString::number(value));
  if (isNew)
    emit valueChanged(value);
}

void Int64Box::setRange(qint64 minimum, qint64 maximum) {
  m_minimum = minimum;
  m_maximum = std::max(minimum, maximum);
  setValue(m_value);
}

void Int64Box::stepBy(int steps) {
  // Saturates, because the range may end at the limits of the type.
  qint64 next = 0;
  if (__builtin_add_overflow(m_value, static_cast<qint64>(steps), &next))
    next = steps > 0 ? m_maximum : m_minimum;
  setValue(next);
  selectAll();
}

QValidator::State Int64Box::validate(QString& input, int&) const {
  if (input.isEmpty() || input == QLatin1String("-"))
    return QValidator::Intermediate;
  bool isNumber = false;
  const qint64 value = input.toLongLong(&isNumber);
  if (!isNumber || value > m_maximum)
    return QValidator::Invalid;
  return value < m_minimum ? QValidator::Intermediate : QValidator::Acceptable;
}

void Int64Box::fixup(QString& input) const { input = QString::number(m_value); }

QSize Int64Box::sizeHint() const {
  ensurePolished();
  const QFontMetrics metrics(fontMetrics());
  const int digits = std::clamp(static_cast<int>(QString::number(m_maximum).size()), 6, 12);
  const QSize contents(metrics.horizontalAdvance(QLatin1Char('0')) * (digits + 2),
                       lineEdit()->sizeHint().height());
  QStyleOptionSpinBox option;
  initStyleOption(&option);
  return style()->sizeFromContents(QStyle::CT_SpinBox, &option, contents, this);
}

QAbstractSpinBox::StepEnabled Int64Box::stepEnabled() const {
  StepEnabled enabled = StepNone;
  if (m_value > m_minimum)
    enabled |= StepDownEnabled;
  if (m_value < m_maximum)
    enabled |= StepUpEnabled;
  return enabled;
}

void Int64Box::readText() {
  bool isNumber = false;
  const qint64 value = lineEdit()->text().toLongLong(&isNumber);
  if (!isNumber || value < m_minimum || value > m_maximum || value == m_value)
    return;
  m_value = value;
  emit valueChanged(value);
}

NumberBox::NumberBox(QWidget* parent) : QDoubleSpinBox(parent) {
  setLocale(QLocale::c());
  lineEdit()->setAcceptDrops(false); // the window handles dropped files
  setDecimals(18);
  setStepType(QAbstractSpinBox::AdaptiveDecimalStepType);
  setSizePolicy(QSizePolicy::Minimum, QSizePolicy::Fixed);
}

QSize NumberBox::sizeHint() const {
  ensurePolished();
  const QSize contents(fontMetrics().horizontalAdvance(QLatin1Char('0')) * (kShownDigits + 1) +
                           fontMetrics().horizontalAdvance(suffix()),
                       lineEdit()->sizeHint().height());
  QStyleOptionSpinBox option;
  initStyleOption(&option);
  return style()->sizeFromContents(QStyle::CT_SpinBox, &option, contents, this);
}

QString NumberBox::textFromValue(double value) const { return QString::number(value, 'g', kNumberDigits); }

double NumberBox::valueFromText(const QString& text) const {
  QString number = text;
  if (!suffix().isEmpty() && number.endsWith(suffix()))
    number.chop(suffix().size());
  return number.trimmed().toDouble();
}

QValidator::State NumberBox::validate(QString& input, int&) const {
  QString number = input;
  if (!suffix().isEmpty() && number.endsWith(suffix()))
    number.chop(suffix().size());
  bool isNumber = false;
  const double value = number.trimmed().toDouble(&isNumber);
  if (isNumber)
    return value >= minimum() && value <= maximum() ? QValidator::Acceptable : QValidator::Intermediate;
  const bool mayBecomeNumber = std::all_of(number.begin(), number.end(), [](QChar character) {
    return character.isDigit() || QStringLiteral("+-.eE ").contains(character);
  });
  return mayBecomeNumber ? QValidator::Intermediate : QValidator::Invalid;
}

} // namespace nibblesmith::ui
