// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/widgets/icons.hpp"

#include <QWidget>

class QHBoxLayout;
class QMenu;
class QPushButton;

namespace nibblesmith::ui {

/// Heading of a page with its tools at the right end. GUI thread.
class ToolRow : public QWidget {
  Q_OBJECT

public:
  explicit ToolRow(const QString& heading, QWidget* parent = nullptr);

  QAction* addAction(Icon icon, const QString& text, const QString& toolTip);
  void addMenu(Icon icon, const QString& text, const QString& toolTip, QMenu* menu);
  void addWidget(QWidget* widget);
  void addSpace();

private:
  QPushButton* addButton(Icon icon, const QString& text, const QString& toolTip);

  QHBoxLayout* m_layout;
};

} // namespace nibblesmith::ui
