// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QLabel>

namespace nibblesmith::ui {

/// The one kind of label in the window: plain text that is never taken for HTML, bounded and escaped by
/// messageText(). A wrapped label may get narrower than its longest word. GUI thread.
class Label : public QLabel {
  Q_OBJECT

public:
  explicit Label(const QString& text = {}, QWidget* parent = nullptr);

  void setText(const QString& text);
  /// Makes one line that is too long for its place lose a part, and show the whole in its tool tip.
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
