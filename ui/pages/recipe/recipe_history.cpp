// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/recipe/recipe_history.hpp"

#include "quantization/recipe.hpp"
#include "ui/pages/recipe/method_form.hpp"
#include "ui/pages/recipe/transform_list.hpp"
#include "ui/session/text.hpp"

#include <QAbstractItemView>
#include <QAbstractSpinBox>
#include <QApplication>
#include <QComboBox>
#include <QKeyEvent>
#include <QLineEdit>
#include <QScopedValueRollback>
#include <QUndoCommand>

#include <utility>

namespace nibblesmith::ui {

namespace {

constexpr int kStepId = 1;
constexpr int kMostSteps = 500;

bool isTypedInto(const QWidget* widget) {
  const auto* combo = qobject_cast<const QComboBox*>(widget);
  return qobject_cast<const QLineEdit*>(widget) || qobject_cast<const QAbstractSpinBox*>(widget) ||
         (combo && combo->isEditable());
}

bool isUndoKey(const QKeyEvent& event) {
  return event.matches(QKeySequence::Undo) || event.matches(QKeySequence::Redo) ||
         (event.key() == Qt::Key_Y && event.modifiers() == Qt::ControlModifier);
}

/// True for the editor of a table cell, whose text is not part of the recipe until it is committed.
bool isCellEditor(const QWidget* widget) {
  const QWidget* parent = widget->parentWidget();
  return parent && qobject_cast<const QAbstractItemView*>(parent->parentWidget());
}

/// Returns the label of the only parameter that differs between two choices of the same method; empty
/// otherwise.
QString changedParameter(const quantization::MethodChoice& from, const quantization::MethodChoice& to,
                         const MethodForm& form) {
  if (from.use != to.use || !form.method())
    return {};
  QStringList labels;
  for (const quantization::Parameter& parameter : form.method()->parameters)
    if (from.parameters.value(parameter.key, base::Json()) !=
        to.parameters.value(parameter.key, base::Json()))
      labels << foreignText(parameter.label);
  return labels.size() == 1 ? labels.constFirst() : QString();
}

} // namespace

/// Step between two snapshots. Applies only the parts that differ between them, which keeps adopted changes.
class RecipeHistory::Step : public QUndoCommand {
public:
  /// visit: number of the visit to the field that was typed into; 0: never merged with other steps.
  Step(RecipeHistory& history, const QString& name, RecipeForm::State from, RecipeForm::State to,
       quint64 visit)
      : QUndoCommand(name), m_history(history), m_from(std::move(from)), m_to(std::move(to)), m_visit(visit) {
  }

  int id() const override { return kStepId; }
  void undo() override { m_history.apply(m_to, m_from); }
  void redo() override {
    // The stack calls this when the step is pushed; the form already contains the change.
    if (std::exchange(m_isDone, true))
      m_history.apply(m_from, m_to);
  }
  bool mergeWith(const QUndoCommand* other) override {
    const auto& next = static_cast<const Step&>(*other);
    if (m_visit == 0 || m_visit != next.m_visit || text() != next.text())
      return false;
    m_to = next.m_to;
    setObsolete(m_from == m_to);
    return true;
  }

private:
  RecipeHistory& m_history;
  RecipeForm::State m_from;
  RecipeForm::State m_to;
  quint64 m_visit;
  bool m_isDone = false;
};

RecipeHistory::RecipeHistory(RecipeForm& form, QObject* parent)
    : QObject(parent), m_form(form), m_known(form.state()) {
  m_stack.setUndoLimit(kMostSteps);
  connect(&form, &RecipeForm::changed, this, &RecipeHistory::onChanged);
  connect(qApp, &QApplication::focusChanged, this, [this] { ++m_fieldVisit; });
  qApp->installEventFilter(this);
}

void RecipeHistory::edit(const QString& name, const std::function<void()>& change) {
  const QScopedValueRollback rollback(m_name, name);
  change();
}

void RecipeHistory::adopt(const std::function<void()>& change) {
  const QScopedValueRollback rollback(m_isAdopting, true);
  change();
}

void RecipeHistory::onChanged() {
  RecipeForm::State now = m_form.state();
  if (now == m_known)
    return;
  const RecipeForm::State before = std::exchange(m_known, now);
  if (m_isAdopting)
    return;
  const QWidget* field = QApplication::focusWidget();
  const bool isTyping = m_name.isEmpty() && m_form.isAncestorOf(field) && isTypedInto(field);
  const QString step = m_name.isEmpty() ? nameOfChange(before, now) : m_name;
  m_stack.push(new Step(*this, step, before, std::move(now), isTyping ? m_fieldVisit : 0));
}

void RecipeHistory::apply(const RecipeForm::State& from, const RecipeForm::State& to) {
  ++m_fieldVisit;
  adopt([&] {
    if (from.recipe != to.recipe || from.policy != to.policy)
      m_form.setState(to);
    if (from.calibrationFile != to.calibrationFile)
      m_form.setCalibrationFile(to.calibrationFile);
  });
}

QString RecipeHistory::nameOfChange(const RecipeForm::State& from, const RecipeForm::State& to) const {
  const quantization::Recipe &a = from.recipe, &b = to.recipe;
  for (const auto& [before, after, form] : {std::tuple(&a.rounding, &b.rounding, m_form.rounding()),
                                            {&a.grid, &b.grid, m_form.grid()},
                                            {&a.activations, &b.activations, m_form.activations()},
                                            {&a.kvCache, &b.kvCache, m_form.cache()}})
    if (const QString label = changedParameter(*before, *after, *form); !label.isEmpty())
      return tr("change of “%1”").arg(label);
  return from.calibrationFile != to.calibrationFile ? tr("change of the calibration file")
         : a.name != b.name                         ? tr("change of the name")
         : a.transforms != b.transforms             ? tr("change of the transforms")
         : a.rounding != b.rounding                 ? tr("change of the rounding")
         : a.grid != b.grid                         ? tr("change of the grid")
         : a.activations != b.activations           ? tr("change of the inputs")
         : a.kvCache != b.kvCache                   ? tr("change of the key-value cache")
         : from.policy != to.policy                 ? tr("change of the policy")
                                                    : tr("change of the calibration");
}

bool RecipeHistory::eventFilter(QObject* object, QEvent* event) {
  if (event->type() != QEvent::ShortcutOverride && event->type() != QEvent::KeyPress)
    return false;
  const auto* widget = qobject_cast<const QWidget*>(object);
  if (!widget || !m_form.isAncestorOf(widget) || isCellEditor(widget) ||
      !isUndoKey(*static_cast<QKeyEvent*>(event)))
    return false;
  // Replaces the line edit's own undo, which does not know the other fields, by the menu's.
  event->setAccepted(event->type() == QEvent::KeyPress);
  return true;
}

} // namespace nibblesmith::ui
