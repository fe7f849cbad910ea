// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QDialog>

#include <functional>

class QFormLayout;
class QPushButton;
class QVBoxLayout;

namespace nibblesmith::ui {

/// A dialog with a body, and a button named after what it does. GUI thread.
class FormDialog : public QDialog {
  Q_OBJECT

public:
  FormDialog(const QString& title, const QString& action, QWidget* parent = nullptr);

  QVBoxLayout* body() const { return m_body; }
  QPushButton* actionButton() const { return m_button; }
  /// Asked before the dialog closes on its action; false keeps it open.
  void setCheck(std::function<bool()> check) { m_check = std::move(check); }
  void accept() override;

private:
  QVBoxLayout* m_body;
  QPushButton* m_button;
  std::function<bool()> m_check;
};

} // namespace nibblesmith::ui
