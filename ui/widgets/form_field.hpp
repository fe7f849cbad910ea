// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>

class QFormLayout;

namespace nibblesmith::ui {

class Label;

/// An editor with its unit behind it and, where something is wrong with it, a sentence below it.
class FormField : public QWidget {
  Q_OBJECT

public:
  /// stretch: the editor takes the row's whole width.
  explicit FormField(QWidget* editor, const QString& unit = {}, bool stretch = false,
                     QWidget* parent = nullptr);

  void setProblem(const QString& text);
  QString problem() const;
  QWidget* editor() const { return m_editor; }

private:
  QWidget* m_editor;
  Label* m_problem;
};

/// A form layout as all our forms are laid out: labels left, fields from one edge.
QFormLayout* makeFormLayout();
/// Adds a row whose label is as wide as those of the other forms, so that fields line up across cards.
Label* addFormRow(QFormLayout& form, const QString& label, QWidget* field);

} // namespace nibblesmith::ui
