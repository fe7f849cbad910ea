// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QAbstractSpinBox>
#include <QDoubleSpinBox>

#include <limits>

namespace nibblesmith::ui {

/// Spin box for 64-bit integers. GUI thread.
class Int64Box : public QAbstractSpinBox {
  Q_OBJECT

public:
  explicit Int64Box(QWidget* parent = nullptr);

  qint64 value() const { return m_value; }
  void setValue(qint64 value);
  void setRange(qint64 minimum, qint64 maximum);
  qint64 minimum() const { return m_minimum; }
  qint64 maximum() const { return m_maximum; }

  void stepBy(int steps) override;
  QValidator::State validate(QString& input, int& position) const override;
  void fixup(QString& input) const override;
  QSize sizeHint() const override;

signals:
  void valueChanged(qint64 value);

protected:
  StepEnabled stepEnabled() const override;

private:
  void readText();

  qint64 m_value = 0;
  qint64 m_minimum = 0;
  qint64 m_maximum = std::numeric_limits<qint64>::max();
};

/// Spin box for doubles that shows and keeps ten significant digits: 0.01 as "0.01", 1e-06 as "1e-06".
class NumberBox : public QDoubleSpinBox {
  Q_OBJECT

public:
  explicit NumberBox(QWidget* parent = nullptr);
  QSize sizeHint() const override;
  QString textFromValue(double value) const override;
  double valueFromText(const QString& text) const override;
  QValidator::State validate(QString& input, int& position) const override;
};

} // namespace nibblesmith::ui
