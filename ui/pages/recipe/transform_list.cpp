// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/recipe/transform_list.hpp"

#include "ui/pages/recipe/method_form.hpp"
#include "ui/session/text.hpp"
#include "ui/widgets/card.hpp"
#include "ui/widgets/help.hpp"
#include "ui/widgets/icons.hpp"
#include "ui/widgets/label.hpp"

#include <QBoxLayout>
#include <QComboBox>
#include <QPushButton>
#include <QToolButton>

#include <algorithm>

namespace nibblesmith::ui {

namespace {

QToolButton* makeButton(Icon name, const QString& help, const QString& objectName) {
  auto* button = new QToolButton;
  button->setIcon(icon(name));
  setHelp(button, help);
  button->setAccessibleName(help);
  button->setAutoRaise(true);
  button->setObjectName(objectName);
  return button;
}

} // namespace

TransformList::TransformList(std::vector<quantization::MethodDescription> methods, QWidget* parent)
    : QWidget(parent), m_methods(std::move(methods)), m_place(new QVBoxLayout),
      m_none(makeHint(tr("The weights are rounded as they are."))),
      m_add(new QPushButton(icon(Icon::Add), tr("Add a transform"))) {
  m_add->setObjectName(QStringLiteral("addTransform"));
  setHelp(
      m_add,
      tr("Something more that changes the weights before they are rounded; transforms follow one another"));
  m_place->setSpacing(kSpacing);
  auto* buttons = new QHBoxLayout;
  buttons->addWidget(m_add);
  buttons->addStretch(1);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->addWidget(m_none);
  layout->addLayout(m_place);
  layout->addLayout(buttons);
  connect(m_add, &QPushButton::clicked, this, &TransformList::add);
  update();
}

std::vector<quantization::MethodChoice> TransformList::choices() const {
  std::vector<quantization::MethodChoice> choices;
  for (const Entry& entry : m_entries)
    choices.push_back(entry.form->choice());
  return choices;
}

bool TransformList::knows(const std::string& method) const {
  return std::any_of(m_methods.begin(), m_methods.end(),
                     [&](const auto& known) { return known.name == method; });
}

void TransformList::setChoices(const std::vector<quantization::MethodChoice>& choices) {
  std::vector<quantization::MethodChoice> known;
  for (const quantization::MethodChoice& choice : choices)
    if (knows(choice.use))
      known.push_back(choice);
  // Keeps the forms that stay, and thereby their focus.
  const bool areSame = std::equal(
      known.begin(), known.end(), m_entries.begin(), m_entries.end(),
      [](const auto& choice, const Entry& entry) { return choice.use == entry.form->choice().use; });
  if (!areSame)
    removeAll();
  for (size_t i = 0; i < known.size(); ++i)
    if (areSame)
      m_entries[i].form->setChoice(known[i]);
    else
      append(known[i]);
  update();
  emit changed();
}

std::vector<MethodForm*> TransformList::forms() const {
  std::vector<MethodForm*> forms;
  for (const Entry& entry : m_entries)
    forms.push_back(entry.form);
  return forms;
}

void TransformList::add() {
  for (const quantization::MethodDescription& method : m_methods) {
    const bool isThere = std::any_of(m_entries.begin(), m_entries.end(), [&](const Entry& entry) {
      return entry.form->choice().use == method.name;
    });
    if (isThere)
      continue;
    append({method.name, base::Json::object()});
    m_entries.back().form->combo()->setFocus();
    update();
    emit changed();
    return;
  }
}

void TransformList::append(const quantization::MethodChoice& choice) {
  Entry entry;
  entry.box = new QWidget;
  entry.form =
      new MethodForm(tr("Method"), tr("What changes the weights before they are rounded"), m_methods);
  entry.form->setChoice(choice);
  QToolButton* up =
      makeButton(Icon::Up, tr("Do this before the transform above it"), QStringLiteral("moveTransformUp"));
  QToolButton* remove =
      makeButton(Icon::Remove, tr("Take this transform out"), QStringLiteral("removeTransform"));
  entry.up = up;
  auto* buttons = new QVBoxLayout;
  buttons->setSpacing(2);
  buttons->addWidget(remove);
  buttons->addWidget(up);
  buttons->addStretch(1);
  auto* layout = new QHBoxLayout(entry.box);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->addWidget(entry.form, 1);
  layout->addLayout(buttons);
  m_place->addWidget(entry.box);
  m_entries.push_back(entry);
  connect(entry.form, &MethodForm::changed, this, [this] {
    update();
    emit changed();
  });
  connect(up, &QToolButton::clicked, this, [this, box = entry.box] { moveUp(indexOf(box)); });
  connect(remove, &QToolButton::clicked, this, [this, box = entry.box] { this->remove(indexOf(box)); });
}

int TransformList::indexOf(const QWidget* box) const {
  const auto found = std::find_if(m_entries.begin(), m_entries.end(),
                                  [box](const Entry& entry) { return entry.box == box; });
  return static_cast<int>(found - m_entries.begin());
}

void TransformList::remove(int index) {
  // Deletes the box later, because its button may be the sender.
  m_entries[static_cast<size_t>(index)].box->hide();
  m_entries[static_cast<size_t>(index)].box->deleteLater();
  m_entries.erase(m_entries.begin() + index);
  update();
  emit changed();
}

void TransformList::removeAll() {
  for (const Entry& entry : m_entries) {
    entry.box->hide();
    entry.box->deleteLater();
  }
  m_entries.clear();
}

void TransformList::moveUp(int index) {
  if (index < 1)
    return;
  std::swap(m_entries[static_cast<size_t>(index)], m_entries[static_cast<size_t>(index - 1)]);
  for (const Entry& entry : m_entries) {
    m_place->removeWidget(entry.box);
    m_place->addWidget(entry.box);
  }
  update();
  emit changed();
}

void TransformList::update() {
  m_none->setVisible(m_entries.empty());
  for (size_t i = 0; i < m_entries.size(); ++i)
    m_entries[i].up->setVisible(i > 0);
  m_add->setEnabled(m_entries.size() < m_methods.size());
}

} // namespace nibblesmith::ui
