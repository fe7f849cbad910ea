// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <QWidget>

#include <vector>

class QGridLayout;

namespace nibblesmith::ui {

struct Fact {
  QString name;
  QString value;
  QString help;
};

/// Names and values in columns; the values are selectable. GUI thread.
class Facts : public QWidget {
  Q_OBJECT

public:
  explicit Facts(int columns, QWidget* parent = nullptr);
  void setFacts(const std::vector<Fact>& facts);

private:
  int m_columns;
  QGridLayout* m_grid;
};

} // namespace nibblesmith::ui
