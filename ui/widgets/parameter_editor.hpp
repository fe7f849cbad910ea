// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "quantization/parameters.hpp"

#include <QObject>
#include <QString>

#include <memory>

class QWidget;

namespace nibblesmith::ui {

/// The editor of one declared parameter. GUI thread.
class ParameterEditor : public QObject {
  Q_OBJECT

public:
  /// Integer: a spin box, or a combo box to type into where values are offered; Number: a spin box;
  /// Boolean: a check box; Choice: a combo box.
  static std::unique_ptr<ParameterEditor> make(const quantization::Parameter& parameter);

  const quantization::Parameter& parameter() const { return m_parameter; }
  virtual QWidget* widget() const = 0;
  virtual base::Json value() const = 0;
  /// A value of another type is passed over.
  virtual void setValue(const base::Json& value) = 0;

signals:
  void changed();

protected:
  explicit ParameterEditor(quantization::Parameter parameter) : m_parameter(std::move(parameter)) {}

private:
  quantization::Parameter m_parameter;
};

/// Help, unit, range and default in several lines, for setHelp().
QString parameterHelp(const quantization::Parameter& parameter);
/// A JSON value as a person writes it: text without quotes.
QString jsonText(const base::Json& value);

} // namespace nibblesmith::ui
