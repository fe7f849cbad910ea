// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QDialog>
#include <QDialogButtonBox>

#include <vector>

class QPushButton;
class QVBoxLayout;

namespace nibblesmith::ui {

/// Base of every dialog: a body above a row of buttons. Opens with the focus in the first field, or on the
/// default button if there is no field. Enter in a field presses the default button, whichever widget had the
/// focus before; Enter on a button presses that button. GUI thread.
class Dialog : public QDialog {
  Q_OBJECT

public:
  QVBoxLayout* body() const { return m_body; }
  /// Fields of the body in tab order, without the dialog's buttons.
  std::vector<QWidget*> fields() const;

protected:
  Dialog(const QString& title, QWidget* parent);
  QPushButton* addButton(const QString& text, QDialogButtonBox::ButtonRole role);

  void showEvent(QShowEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;

private:
  void orderFocus(const std::vector<QWidget*>& fields);

  QWidget* m_content;
  QVBoxLayout* m_body;
  QDialogButtonBox* m_buttons;
};

} // namespace nibblesmith::ui
