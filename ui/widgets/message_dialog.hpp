// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/widgets/dialog.hpp"

class QIcon;

namespace nibblesmith::ui {

class Label;

/// What is asked before something is done that cannot be undone.
struct Question {
  QString title;      ///< of the window
  QString text;       ///< one sentence: the question
  QString details;    ///< what follows from it, or what it is about; may have several lines
  QString action;     ///< the button that does it
  QString keep;       ///< the button that leaves everything as it is
  QString other = {}; ///< another button that does something; empty: none
};

enum class Answer { Keep, Act, Other };

/// A message, or a question, in plain text with an icon beside it. The default button is the one that changes
/// nothing, and Escape presses it. GUI thread.
class MessageDialog : public Dialog {
  Q_OBJECT

public:
  /// A message that is closed with one button.
  MessageDialog(const QIcon& icon, const QString& title, const QString& text, const QString& details,
                QWidget* parent = nullptr);
  explicit MessageDialog(const Question& question, QWidget* parent = nullptr);
  /// Once a question is closed.
  Answer answer() const;

protected:
  /// Without buttons.
  MessageDialog(const QIcon& icon, const QString& title, const QString& text, QWidget* parent);
  Label* addDetails(const QString& details);

private:
  QVBoxLayout* m_texts;
};

Answer ask(QWidget* parent, const Question& question);
/// Whether the user chose the question's action.
bool confirm(QWidget* parent, const Question& question);
void showProblem(QWidget* parent, const QString& title, const QString& text);

} // namespace nibblesmith::ui
