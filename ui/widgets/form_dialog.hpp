// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/widgets/dialog.hpp"

#include <functional>

namespace nibblesmith::ui {

/// A dialog with fields, a default button named after what it does, and Cancel. GUI thread.
class FormDialog : public Dialog {
  Q_OBJECT

public:
  FormDialog(const QString& title, const QString& action, QWidget* parent = nullptr);

  QPushButton* actionButton() const { return m_button; }
  /// Asked before the dialog closes on its action; false keeps it open.
  void setCheck(std::function<bool()> check) { m_check = std::move(check); }
  void accept() override;

private:
  QPushButton* m_button;
  std::function<bool()> m_check;
};

} // namespace nibblesmith::ui
