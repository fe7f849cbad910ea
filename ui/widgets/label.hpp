// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QLabel>

namespace nibblesmith::ui {

/// Label of the whole window: plain text that is never treated as HTML, shortened and escaped by
/// messageText(). A wrapped label may become narrower than its longest word. GUI thread.
class Label : public QLabel {
  Q_OBJECT

public:
  explicit Label(const QString& text = {}, QWidget* parent = nullptr);

  void setText(const QString& text);
  /// Elides a line that is too long, and shows the whole text in the tool tip.
  void setElideMode(Qt::TextElideMode mode);
  bool isElided() const;

  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;

protected:
  bool event(QEvent* event) override;
  void paintEvent(QPaintEvent* event) override;

private:
  Qt::TextElideMode m_elideMode = Qt::ElideNone;
};

} // namespace nibblesmith::ui
