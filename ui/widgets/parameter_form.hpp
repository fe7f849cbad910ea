// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "quantization/parameters.hpp"
#include "ui/widgets/parameter_editor.hpp"

#include <QWidget>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace nibblesmith::ui {

class FormField;
class Label;

/// Form of one method, built from its description. GUI thread.
class ParameterForm : public QWidget {
  Q_OBJECT

public:
  explicit ParameterForm(const quantization::MethodDescription& method, QWidget* parent = nullptr);
  ~ParameterForm() override;

  const quantization::MethodDescription& method() const { return m_method; }
  /// Returns the values that differ from the defaults, and those given to setValues() even if they are
  /// defaults; this keeps the text of a recipe unchanged when it is loaded and saved. Omits parameters that
  /// do not apply.
  base::Json values() const;
  /// Sets every field to the given value, or to its default.
  void setValues(const base::Json& values);

  /// Returns false if there is no such field.
  bool setProblem(const std::string& key, const QString& text);
  void clearProblems();
  /// For tests and for focus.
  QWidget* editor(const std::string& key) const;

signals:
  void changed();

private:
  struct Row {
    std::unique_ptr<ParameterEditor> editor;
    Label* label = nullptr;
    FormField* field = nullptr;
  };
  const Row* find(const std::string& key) const;
  bool applies(const quantization::Parameter& parameter) const;
  void updateEnabled();

  quantization::MethodDescription m_method;
  std::vector<Row> m_rows;
  base::Json m_given = base::Json::object();
  bool m_setting = false;
};

} // namespace nibblesmith::ui
