// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/recipe/policy_editor.hpp"

#include "quantization/activation_plan.hpp"
#include "quantization/grid.hpp"
#include "ui/session/text.hpp"
#include "ui/widgets/form_field.hpp"
#include "ui/widgets/help.hpp"
#include "ui/widgets/icons.hpp"
#include "ui/widgets/parameter_editor.hpp"

#include <QBoxLayout>
#include <QFormLayout>
#include <QHeaderView>
#include <QLineEdit>
#include <QTableWidget>
#include <QToolButton>

#include <functional>
#include <set>

namespace nibblesmith::ui {

namespace {

using quantization::ParameterType;

[[noreturn]] void throwChange(const QString& part, const QString& expected) {
  throw base::Error(base::ErrorCode::InvalidArgument,
                    QStringLiteral("“%1”: %2").arg(part, expected).toStdString());
}

/// Returns the value converted to the parameter's type; `given` is the text as typed.
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

/// Prefix of the names that change the layer's inputs.
const QLatin1String kInputs("inputs.");

/// One name=value pair of a change.
struct Part {
  std::string key;
  QString value;
  QString text;
};

/// Converts the pairs to JSON of the types that the method declares; "use" among them selects another method.
base::Json changesFrom(const std::vector<Part>& parts, const quantization::MethodDescription& recipes,
                       const std::function<quantization::MethodDescription(const std::string&)>& describe) {
  base::Json changes = base::Json::object();
  quantization::MethodDescription method = recipes;
  for (const Part& part : parts)
    if (part.key == "use") {
      changes["use"] = part.value.toStdString();
      method = describe(part.value.toStdString());
    }
  for (const Part& part : parts) {
    if (part.key == "use")
      continue;
    const auto found = std::find_if(method.parameters.begin(), method.parameters.end(),
                                    [&](const auto& parameter) { return parameter.key == part.key; });
    if (found == method.parameters.end()) {
      QStringList known;
      for (const auto& parameter : method.parameters)
        known << toQString(std::string_view(parameter.key));
      throwChange(part.text, known.isEmpty()
                                 ? PolicyEditor::tr("nothing can be set there")
                                 : PolicyEditor::tr("there is %1").arg(known.join(QStringLiteral(", "))));
    }
    changes[part.key] = parseValue(part.value, *found, part.text);
  }
  return changes;
}

} // namespace

quantization::Override parseChange(const QString& text, const quantization::MethodDescription& grid,
                                   const quantization::MethodDescription& activations) {
  std::vector<Part> ofGrid;
  std::vector<Part> ofInputs;
  for (const QString& raw : text.split(QLatin1Char(','), Qt::SkipEmptyParts)) {
    const QString part = raw.trimmed();
    const qsizetype equals = part.indexOf(QLatin1Char('='));
    if (equals < 1)
      throwChange(part, PolicyEditor::tr("expected name=value, e.g. bits=8"));
    const QString key = part.left(equals).trimmed();
    const bool isOfInputs = key.startsWith(kInputs);
    (isOfInputs ? ofInputs : ofGrid)
        .push_back({(isOfInputs ? key.mid(kInputs.size()) : key).toStdString(),
                    part.mid(equals + 1).trimmed(), part});
  }
  const auto describeInputs = [](const std::string& use) {
    return use == quantization::MethodChoice().use ? quantization::MethodDescription()
                                                   : quantization::activationDescription(use);
  };
  return {{},
          changesFrom(ofGrid, grid, quantization::gridDescription),
          changesFrom(ofInputs, activations, describeInputs)};
}

QString changeText(const quantization::Override& override) {
  QStringList parts;
  const auto add = [&](const QString& prefix, const base::Json& changes) {
    for (const auto& [key, value] : changes.items())
      parts << QStringLiteral("%1%2=%3").arg(prefix, toQString(std::string_view(key)), jsonText(value));
  };
  add({}, override.grid);
  add(kInputs, override.activations);
  return parts.join(QStringLiteral(", "));
}

PolicyEditor::PolicyEditor(QWidget* parent)
    : QWidget(parent), m_keep(new QLineEdit), m_overrides(new QTableWidget(0, 2)), m_remove(new QToolButton) {
  setHelp(m_keep, tr("Patterns of tensor names, separated by commas: these stay as they are stored"));
  m_keep->setAcceptDrops(false);
  m_overrides->setHorizontalHeaderLabels({tr("Tensors"), tr("Change")});
  m_overrides->horizontalHeader()->setSectionResizeMode(QHeaderView::Stretch);
  m_overrides->verticalHeader()->hide();
  m_overrides->verticalHeader()->setDefaultSectionSize(fontMetrics().height() + 10);
  m_overrides->setFixedHeight(3 * fontMetrics().height() + 40);
  setHelp(m_overrides, tr("Tensors by pattern, e.g. “layers.0.mlp.*”, and what changes for them, e.g. "
                          "“bits=8” or “use=nf4”; of their inputs, "
                          "e.g. “inputs.mode=dynamic”"));
  auto* add = new QToolButton;
  add->setObjectName(QStringLiteral("addOverride"));
  add->setIcon(icon(Icon::Add));
  setHelp(add, tr("Add an override"));
  m_remove->setIcon(icon(Icon::Remove));
  setHelp(m_remove, tr("Remove the selected overrides"));
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

void PolicyEditor::setMethods(const quantization::MethodDescription* grid,
                              const quantization::MethodDescription* activations) {
  m_grid = grid ? *grid : quantization::MethodDescription();
  m_activations = activations ? *activations : quantization::MethodDescription();
}

quantization::Policy PolicyEditor::policy() const {
  quantization::Policy policy;
  policy.keep.clear();
  for (const QString& pattern : m_keep->text().split(QLatin1Char(','), Qt::SkipEmptyParts))
    policy.keep.push_back(pattern.trimmed().toStdString());
  for (int row = 0; row < m_overrides->rowCount(); ++row) {
    quantization::Override override;
    try {
      override = parseChange(m_overrides->item(row, 1)->text(), m_grid, m_activations);
    } catch (const base::Error&) {
      // check() shows the problem, and the page does not start a job with it.
    }
    override.match = m_overrides->item(row, 0)->text().trimmed().toStdString();
    policy.overrides.push_back(std::move(override));
  }
  return policy;
}

void PolicyEditor::setPolicy(const quantization::Policy& policy) {
  QStringList keep;
  for (const std::string& pattern : policy.keep)
    keep << toQString(std::string_view(pattern));
  PolicyText text{keep.join(QStringLiteral(", ")), {}};
  for (const quantization::Override& override : policy.overrides)
    text.overrides.emplace_back(toQString(std::string_view(override.match)), changeText(override));
  setText(text);
}

PolicyText PolicyEditor::text() const {
  PolicyText text{m_keep->text(), {}};
  for (int row = 0; row < m_overrides->rowCount(); ++row)
    text.overrides.emplace_back(m_overrides->item(row, 0)->text(), m_overrides->item(row, 1)->text());
  return text;
}

void PolicyEditor::setText(const PolicyText& text) {
  if (text == this->text())
    return;
  m_keep->setText(text.keep);
  m_overrides->setRowCount(0);
  for (const auto& [match, change] : text.overrides)
    addRow(match, change);
}

bool PolicyEditor::check() {
  QString problem;
  for (int row = 0; row < m_overrides->rowCount() && problem.isEmpty(); ++row) {
    if (m_overrides->item(row, 0)->text().trimmed().isEmpty())
      problem = tr("Override %1 names no tensors.").arg(row + 1);
    try {
      const auto override = parseChange(m_overrides->item(row, 1)->text(), m_grid, m_activations);
      if (override.grid.empty() && override.activations.empty() && problem.isEmpty())
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
