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

/// Form for one of several methods and its parameters. GUI thread.
class MethodForm : public QWidget {
  Q_OBJECT

public:
  MethodForm(const QString& label, const QString& help, std::vector<quantization::MethodDescription> methods,
             QWidget* parent = nullptr);

  quantization::MethodChoice choice() const;
  /// Returns false and shows the problem if there is no such method.
  bool setChoice(const quantization::MethodChoice& choice);
  /// Returns null if there is no method to choose from.
  const quantization::MethodDescription* method() const;

  /// Shows a problem next to the field that the text names, otherwise below the method.
  void setProblem(const QString& text);
  void clearProblems();
  QComboBox* combo() const { return m_combo; }
  ParameterForm* parameters() const { return m_parameters; }

signals:
  void changed();

private:
  void showMethod(int index);

  std::vector<quantization::MethodDescription> m_methods;
  std::map<std::string, base::Json> m_values; ///< parameters of methods that were selected before
  std::string m_shown;
  QComboBox* m_combo;
  FormField* m_field;
  Label* m_help;
  QVBoxLayout* m_place;
  ParameterForm* m_parameters = nullptr;
};

} // namespace nibblesmith::ui
