// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/widgets/dialog.hpp"

class QIcon;

namespace nibblesmith::ui {

class Label;

/// Question before an action that cannot be undone.
struct Question {
  QString title;      ///< window title
  QString text;       ///< one sentence: the question
  QString details;    ///< consequences or objects of the action; may have several lines
  QString action;     ///< button that performs the action
  QString keep;       ///< button that changes nothing
  QString other = {}; ///< button of an alternative action; empty: none
};

enum class Answer { Keep, Act, Other };

/// Message or question in plain text with an icon. The default button is the one that changes nothing; Escape
/// presses it. GUI thread.
class MessageDialog : public Dialog {
  Q_OBJECT

public:
  /// Message that is closed by one button.
  MessageDialog(const QIcon& icon, const QString& title, const QString& text, const QString& details,
                QWidget* parent = nullptr);
  explicit MessageDialog(const Question& question, QWidget* parent = nullptr);
  /// Answer to a question; valid after the dialog was closed.
  Answer answer() const;

protected:
  /// Creates the dialog without buttons.
  MessageDialog(const QIcon& icon, const QString& title, const QString& text, QWidget* parent);
  Label* addDetails(const QString& details);

private:
  QVBoxLayout* m_texts;
};

Answer ask(QWidget* parent, const Question& question);
/// True if the user chose the question's action.
bool confirm(QWidget* parent, const Question& question);
void showProblem(QWidget* parent, const QString& title, const QString& text);

} // namespace nibblesmith::ui
