// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QFrame>

class QHBoxLayout;
class QLabel;
class QVBoxLayout;

namespace nibblesmith::ui {

inline constexpr int kPageMargin = 16;
inline constexpr int kSpacing = 12;

/// A titled panel on the page's ground.
class Card : public QFrame {
  Q_OBJECT

public:
  explicit Card(const QString& title, QWidget* parent = nullptr);
  QVBoxLayout* body() const { return m_body; }
  /// Right of the title, for buttons.
  QHBoxLayout* header() const { return m_header; }
  void setTitle(const QString& title);

protected:
  void paintEvent(QPaintEvent* event) override;

private:
  QLabel* m_title;
  QHBoxLayout* m_header;
  QVBoxLayout* m_body;
};

/// A page's heading, larger than text.
QLabel* makeHeading(const QString& text);
/// Small text of less weight that wraps.
QLabel* makeHint(const QString& text = {});
void setProblemText(QLabel& label, const QString& text);

} // namespace nibblesmith::ui
