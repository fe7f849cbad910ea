// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "quantization/parameters.hpp"
#include "quantization/recipe.hpp"

#include <QWidget>

#include <vector>

class QPushButton;
class QVBoxLayout;

namespace nibblesmith::ui {

class Label;
class MethodForm;

/// List of a recipe's transforms in order: forms that can be added, removed and moved up. GUI thread.
class TransformList : public QWidget {
  Q_OBJECT

public:
  explicit TransformList(std::vector<quantization::MethodDescription> methods, QWidget* parent = nullptr);

  std::vector<quantization::MethodChoice> choices() const;
  /// Sets the transforms; omits those that are not installed.
  void setChoices(const std::vector<quantization::MethodChoice>& choices);
  bool knows(const std::string& method) const;
  /// Forms in the list's order.
  std::vector<MethodForm*> forms() const;
  /// Adds the first transform that is not in the list.
  void add();
  void remove(int index);
  void moveUp(int index);

signals:
  void changed();

private:
  struct Entry {
    QWidget* box;
    MethodForm* form;
    QWidget* up; ///< button
  };
  void append(const quantization::MethodChoice& choice);
  int indexOf(const QWidget* box) const;
  void removeAll();
  void update();

  std::vector<quantization::MethodDescription> m_methods;
  std::vector<Entry> m_entries;
  QVBoxLayout* m_place;
  Label* m_none;
  QPushButton* m_add;
};

} // namespace nibblesmith::ui
