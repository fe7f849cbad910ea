// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QFrame>

class QHBoxLayout;
class QVBoxLayout;

namespace nibblesmith::ui {

class Label;

inline constexpr int kPageMargin = 16;
inline constexpr int kSpacing = 12;

/// Titled panel on the page's background.
class Card : public QFrame {
  Q_OBJECT

public:
  explicit Card(const QString& title, QWidget* parent = nullptr);
  QVBoxLayout* body() const { return m_body; }
  /// Layout to the right of the title, for buttons.
  QHBoxLayout* header() const { return m_header; }
  void setTitle(const QString& title);

protected:
  void paintEvent(QPaintEvent* event) override;

private:
  Label* m_title;
  QHBoxLayout* m_header;
  QVBoxLayout* m_body;
};

/// Returns a page's heading, larger than text.
Label* makeHeading(const QString& text);
/// Returns a label with small, faint, wrapped text.
Label* makeHint(const QString& text = {});
void setProblemText(Label& label, const QString& text);

} // namespace nibblesmith::ui
