// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/recipe/policy_editor.hpp"

#include "quantization/grid.hpp"
#include "ui/session/text.hpp"
#include "ui/widgets/form_field.hpp"
#include "ui/widgets/icons.hpp"
#include "ui/widgets/parameter_editor.hpp"

#include <QBoxLayout>
#include <QFormLayout>
#include <QHeaderView>
#include <QLineEdit>
#include <QTableWidget>
#include <QToolButton>

#include <set>

namespace nibblesmith::ui {

namespace {

using quantization::ParameterType;

[[noreturn]] void throwChange(const QString& part, const QString& expected) {
  throw base::Error(base::ErrorCode::InvalidArgument,
                    QStringLiteral("“%1”: %2").arg(part, expected).toStdString());
}

/// The value as the parameter's type; `given` is what the person wrote.
base::Json parseValue(const QString& given, const quantization::Parameter& parameter, const QString& part) {
  bool isGood = false;
  switch (parameter.type) {
  case ParameterType::Integer:
    if (const qint64 number = given.toLongLong(&isGood); isGood)
      return static_cast<int64_t>(number);
    throwChange(part, PolicyEditor::tr("expected a whole number"));
  case ParameterType::Number:
    if (const double number = given.toDouble(&isGood); isGood)
      return number;
    throwChange(part, PolicyEditor::tr("expected a number"));
  case ParameterType::Boolean:
    if (given == QLatin1String("yes") || given == QLatin1String("true"))
      return true;
    if (given == QLatin1String("no") || given == QLatin1String("false"))
      return false;
    throwChange(part, PolicyEditor::tr("expected yes or no"));
  case ParameterType::Choice:
    break;
  }
  QStringList choices;
  for (const base::Json& choice : parameter.choices) {
    if (jsonText(choice) == given)
      return choice;
    choices << jsonText(choice);
  }
  throwChange(part, PolicyEditor::tr("expected one of %1").arg(choices.join(QStringLiteral(", "))));
}

} // namespace

base::Json parseChange(const QString& text, const quantization::MethodDescription& recipeGrid) {
  std::vector<std::pair<std::string, QString>> parts;
  base::Json change = base::Json::object();
  quantization::MethodDescription grid = recipeGrid;
  for (const QString& raw : text.split(QLatin1Char(','), Qt::SkipEmptyParts)) {
    const QString part = raw.trimmed();
    const qsizetype equals = part.indexOf(QLatin1Char('='));
    if (equals < 1)
      throwChange(part, PolicyEditor::tr("expected name=value, e.g. bits=8"));
    parts.emplace_back(part.left(equals).trimmed().toStdString(), part);
    if (parts.back().first == "use") {
      change["use"] = part.mid(equals + 1).trimmed().toStdString();
      grid = quantization::gridDescription(change["use"].get<std::string>());
    }
  }
  for (const auto& [key, part] : parts) {
    if (key == "use")
      continue;
    const auto found = std::find_if(grid.parameters.begin(), grid.parameters.end(),
                                    [&](const auto& parameter) { return parameter.key == key; });
    if (found == grid.parameters.end()) {
      QStringList known;
      for (const auto& parameter : grid.parameters)
        known << toQString(std::string_view(parameter.key));
      throwChange(part, PolicyEditor::tr("the grid has %1").arg(known.join(QStringLiteral(", "))));
    }
    change[key] = parseValue(part.mid(part.indexOf(QLatin1Char('=')) + 1).trimmed(), *found, part);
  }
  return change;
}

QString changeText(const base::Json& change) {
  QStringList parts;
  for (const auto& [key, value] : change.items())
    parts << QStringLiteral("%1=%2").arg(toQString(std::string_view(key)), jsonText(value));
  return parts.join(QStringLiteral(", "));
}

PolicyEditor::PolicyEditor(QWidget* parent)
    : QWidget(parent), m_keep(new QLineEdit), m_overrides(new QTableWidget(0, 2)), m_remove(new QToolButton) {
  m_keep->setToolTip(tr("Patterns of tensor names, separated by commas: these stay as they are stored"));
  m_keep->setAcceptDrops(false);
  m_overrides->setHorizontalHeaderLabels({tr("Tensors"), tr("Change of the grid")});
  m_overrides->horizontalHeader()->setSectionResizeMode(QHeaderView::Stretch);
  m_overrides->verticalHeader()->hide();
  m_overrides->verticalHeader()->setDefaultSectionSize(fontMetrics().height() + 10);
  m_overrides->setFixedHeight(3 * fontMetrics().height() + 40);
  m_overrides->setToolTip(tr("Tensors by pattern, e.g. “layers.0.mlp.*”, and what changes for them, e.g. “bits=8” or “use=nf4”"));
  auto* add = new QToolButton;
  add->setObjectName(QStringLiteral("addOverride"));
  add->setIcon(icon(Icon::Add));
  add->setToolTip(tr("Add an override"));
  m_remove->setIcon(icon(Icon::Remove));
  m_remove->setToolTip(tr("Remove the selected overrides"));
  auto* buttons = new QVBoxLayout;
  buttons->setSpacing(2);
  buttons->addWidget(add);
  buttons->addWidget(m_remove);
  buttons->addStretch(1);
  auto* table = new QWidget;
  auto* tableLayout = new QHBoxLayout(table);
  tableLayout->setContentsMargins(0, 0, 0, 0);
  tableLayout->setSpacing(4);
  tableLayout->addWidget(m_overrides, 1);
  tableLayout->addLayout(buttons);
  m_overridesField = new FormField(table, {}, true);

  QFormLayout* form = makeFormLayout();
  form->setContentsMargins(0, 0, 0, 0);
  setLayout(form);
  addFormRow(*form, tr("Keep as stored"), m_keep);
  addFormRow(*form, tr("Overrides"), m_overridesField);
  connect(m_keep, &QLineEdit::textChanged, this, &PolicyEditor::changed);
  connect(m_overrides, &QTableWidget::cellChanged, this, &PolicyEditor::changed);
  connect(add, &QToolButton::clicked, this, [this] {
    addRow(QStringLiteral("layers.0.*"), QStringLiteral("bits=8"));
    m_overrides->setCurrentCell(m_overrides->rowCount() - 1, 0);
    m_overrides->editItem(m_overrides->currentItem());
  });
  connect(m_remove, &QToolButton::clicked, this, &PolicyEditor::removeRows);
  setPolicy({});
}

void PolicyEditor::setGrid(const quantization::MethodDescription* grid) {
  m_grid = grid ? *grid : quantization::MethodDescription();
}

quantization::Policy PolicyEditor::policy() const {
  quantization::Policy policy;
  policy.keep.clear();
  for (const QString& pattern : m_keep->text().split(QLatin1Char(','), Qt::SkipEmptyParts))
    policy.keep.push_back(pattern.trimmed().toStdString());
  for (int row = 0; row < m_overrides->rowCount(); ++row) {
    const QString match = m_overrides->item(row, 0)->text().trimmed();
    try {
      policy.overrides.push_back({match.toStdString(), parseChange(m_overrides->item(row, 1)->text(), m_grid)});
    } catch (const base::Error&) {
      // check() shows it, and the page does not start a job on it.
      policy.overrides.push_back({match.toStdString(), base::Json::object()});
    }
  }
  return policy;
}

void PolicyEditor::setPolicy(const quantization::Policy& policy) {
  QStringList keep;
  for (const std::string& pattern : policy.keep)
    keep << toQString(std::string_view(pattern));
  m_keep->setText(keep.join(QStringLiteral(", ")));
  m_overrides->setRowCount(0);
  for (const quantization::Override& override : policy.overrides)
    addRow(toQString(std::string_view(override.match)), changeText(override.grid));
}

bool PolicyEditor::check() {
  QString problem;
  for (int row = 0; row < m_overrides->rowCount() && problem.isEmpty(); ++row) {
    if (m_overrides->item(row, 0)->text().trimmed().isEmpty())
      problem = tr("Override %1 names no tensors.").arg(row + 1);
    try {
      if (parseChange(m_overrides->item(row, 1)->text(), m_grid).empty() && problem.isEmpty())
        problem = tr("Override %1 changes nothing.").arg(row + 1);
    } catch (const base::Error& error) {
      problem = toQString(std::string_view(error.what()));
    }
  }
  m_overridesField->setProblem(problem);
  return problem.isEmpty();
}

void PolicyEditor::addRow(const QString& match, const QString& change) {
  const int row = m_overrides->rowCount();
  {
    const QSignalBlocker blocker(m_overrides);
    m_overrides->insertRow(row);
    m_overrides->setItem(row, 0, new QTableWidgetItem(match));
    m_overrides->setItem(row, 1, new QTableWidgetItem(change));
  }
  emit changed();
}

void PolicyEditor::removeRows() {
  std::set<int, std::greater<>> rows;
  for (const QModelIndex& cell : m_overrides->selectionModel()->selectedIndexes())
    rows.insert(cell.row());
  for (const int row : rows)
    m_overrides->removeRow(row);
  emit changed();
}

} // namespace nibblesmith::ui
