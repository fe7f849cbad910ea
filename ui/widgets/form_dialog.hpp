// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/widgets/dialog.hpp"

#include <functional>

namespace nibblesmith::ui {

/// Dialog with fields, a default button named after its action, and Cancel. GUI thread.
class FormDialog : public Dialog {
  Q_OBJECT

public:
  FormDialog(const QString& title, const QString& action, QWidget* parent = nullptr);

  QPushButton* actionButton() const { return m_button; }
  /// Sets a check that runs before the dialog is accepted; false keeps it open.
  void setCheck(std::function<bool()> check) { m_check = std::move(check); }
  void accept() override;

private:
  QPushButton* m_button;
  std::function<bool()> m_check;
};

} // namespace nibblesmith::ui
