// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/widgets/icons.hpp"

#include <QWidget>

#include <vector>

class QVBoxLayout;

namespace nibblesmith::ui {

class NavigationButton;

/// Vertical list of the pages in the order of the work. GUI thread.
class NavigationBar : public QWidget {
  Q_OBJECT

public:
  explicit NavigationBar(QWidget* parent = nullptr);
  void addPage(Icon icon, const QString& text, const QString& toolTip);
  void setCurrent(int page);
  /// Shows a number beside the page's name; 0 hides it.
  void setBadge(int page, int count);
  /// Shows only icons; for narrow windows.
  void setCompact(bool compact);

signals:
  void chosen(int page);

protected:
  void paintEvent(QPaintEvent* event) override;

private:
  QVBoxLayout* m_layout;
  std::vector<NavigationButton*> m_buttons;
};

} // namespace nibblesmith::ui
