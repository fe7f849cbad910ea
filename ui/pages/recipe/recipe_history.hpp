// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/pages/recipe/recipe_form.hpp"

#include <QObject>
#include <QUndoStack>

#include <functional>

namespace nibblesmith::ui {

/// Undo and redo of a recipe form, by snapshots of the whole form. What is typed into one field while it has
/// the focus is one step. Line edits of the form leave Ctrl+Z to this. GUI thread.
class RecipeHistory : public QObject {
  Q_OBJECT

public:
  explicit RecipeHistory(RecipeForm& form, QObject* parent = nullptr);

  QUndoStack& stack() { return m_stack; }
  /// Makes one step of everything that `change` does to the form, called by that name.
  void edit(const QString& name, const std::function<void()>& change);
  /// Takes over what `change` does to the form without a step: nobody asked for it, so nobody undoes it.
  void adopt(const std::function<void()>& change);

  bool eventFilter(QObject* object, QEvent* event) override;

private:
  class Step;
  void onChanged();
  void apply(const RecipeForm::State& from, const RecipeForm::State& to);
  QString nameOfChange(const RecipeForm::State& from, const RecipeForm::State& to) const;

  RecipeForm& m_form;
  QUndoStack m_stack;
  RecipeForm::State m_known;
  QString m_name;            ///< of the step that edit() makes
  bool m_isAdopting = false; ///< changes are no steps
  quint64 m_fieldVisit = 1;  ///< counts how often the focus has moved
};

} // namespace nibblesmith::ui
