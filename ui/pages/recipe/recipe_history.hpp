// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/pages/recipe/recipe_form.hpp"

#include <QObject>
#include <QUndoStack>

#include <functional>

namespace nibblesmith::ui {

/// Undo and redo of a recipe form, by snapshots of the whole form. Text typed into one field while it has the
/// focus is one step. Line edits of the form pass Ctrl+Z to this object. GUI thread.
class RecipeHistory : public QObject {
  Q_OBJECT

public:
  explicit RecipeHistory(RecipeForm& form, QObject* parent = nullptr);

  QUndoStack& stack() { return m_stack; }
  /// Combines all changes that `change` makes to the form into one step of that name.
  void edit(const QString& name, const std::function<void()>& change);
  /// Applies `change` without a step; for changes that the user did not request and so should not undo.
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
  QString m_name;            ///< name of the step that edit() makes
  bool m_isAdopting = false; ///< changes make no steps
  quint64 m_fieldVisit = 1;  ///< number of times that the focus has moved
};

} // namespace nibblesmith::ui
