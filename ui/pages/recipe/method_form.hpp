// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "quantization/parameters.hpp"
#include "quantization/recipe.hpp"

#include <QWidget>

#include <map>
#include <string>
#include <vector>

class QComboBox;
class QVBoxLayout;

namespace nibblesmith::ui {

class FormField;
class Label;
class ParameterForm;

/// A method out of several, and its parameters. GUI thread.
class MethodForm : public QWidget {
  Q_OBJECT

public:
  MethodForm(const QString& label, const QString& help, std::vector<quantization::MethodDescription> methods,
             QWidget* parent = nullptr);

  quantization::MethodChoice choice() const;
  /// False, with the problem shown, where there is no such method.
  bool setChoice(const quantization::MethodChoice& choice);
  /// Null where there is no method to choose from.
  const quantization::MethodDescription* method() const;

  /// At the field that the text names, else below the method.
  void setProblem(const QString& text);
  void clearProblems();
  QComboBox* combo() const { return m_combo; }
  ParameterForm* parameters() const { return m_parameters; }

signals:
  void changed();

private:
  void showMethod(int index);

  std::vector<quantization::MethodDescription> m_methods;
  std::map<std::string, base::Json> m_values; ///< of the methods that were left
  std::string m_shown;
  QComboBox* m_combo;
  FormField* m_field;
  Label* m_help;
  QVBoxLayout* m_place;
  ParameterForm* m_parameters = nullptr;
};

} // namespace nibblesmith::ui
