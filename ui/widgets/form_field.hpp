// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>

class QFormLayout;

namespace nibblesmith::ui {

class Label;

/// Editor followed by its unit, with a problem text below it if there is one.
class FormField : public QWidget {
  Q_OBJECT

public:
  /// stretch: the editor takes the whole width of the row.
  explicit FormField(QWidget* editor, const QString& unit = {}, bool stretch = false,
                     QWidget* parent = nullptr);

  void setProblem(const QString& text);
  QString problem() const;
  QWidget* editor() const { return m_editor; }

private:
  QWidget* m_editor;
  Label* m_problem;
};

/// Returns a form layout in the common style: labels on the left, fields aligned.
QFormLayout* makeFormLayout();
/// Adds a row whose label is as wide as those of the other forms, which aligns fields across cards.
Label* addFormRow(QFormLayout& form, const QString& label, QWidget* field);

} // namespace nibblesmith::ui
