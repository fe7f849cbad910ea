// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/widgets/icons.hpp"

#include <QWidget>

class QBoxLayout;
class QPushButton;

namespace nibblesmith::ui {

class Label;

/// Placeholder of a page without content: purpose of the page, and what to do next.
class EmptyState : public QWidget {
  Q_OBJECT

public:
  EmptyState(Icon icon, const QString& title, const QString& text, QWidget* parent = nullptr);
  QPushButton* addButton(const QString& text, bool isMain = false);
  /// Layout below the buttons.
  QBoxLayout* extra() const { return m_extra; }
  void setText(const QString& text);

protected:
  void changeEvent(QEvent* event) override;

private:
  void drawIcon();

  Icon m_icon;
  Label* m_picture;
  Label* m_text;
  QBoxLayout* m_buttons;
  QBoxLayout* m_extra;
};

} // namespace nibblesmith::ui
