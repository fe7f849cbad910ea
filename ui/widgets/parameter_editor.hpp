// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "quantization/parameters.hpp"

#include <QObject>
#include <QString>

#include <memory>

class QWidget;

namespace nibblesmith::ui {

/// Editor of one declared parameter. GUI thread.
class ParameterEditor : public QObject {
  Q_OBJECT

public:
  /// Creates an editor. Integer: a spin box, or an editable combo box if the parameter offers values; Number:
  /// a spin box; Boolean: a check box; Choice: a combo box.
  static std::unique_ptr<ParameterEditor> make(const quantization::Parameter& parameter);

  const quantization::Parameter& parameter() const { return m_parameter; }
  virtual QWidget* widget() const = 0;
  virtual base::Json value() const = 0;
  /// Sets the value; ignores a value of another type.
  virtual void setValue(const base::Json& value) = 0;

signals:
  void changed();

protected:
  explicit ParameterEditor(quantization::Parameter parameter) : m_parameter(std::move(parameter)) {}

private:
  quantization::Parameter m_parameter;
};

/// Returns help, unit, range and default in several lines, for setHelp().
QString parameterHelp(const quantization::Parameter& parameter);
/// Returns a JSON value as a user types it: text without quotes.
QString jsonText(const base::Json& value);

} // namespace nibblesmith::ui
