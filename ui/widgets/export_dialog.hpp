// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "export/gguf.hpp"
#include "ui/widgets/form_dialog.hpp"

class QComboBox;

namespace nibblesmith::ui {

/// Dialog for the GGUF type of an export. GUI thread.
class ExportDialog : public FormDialog {
  Q_OBJECT

public:
  /// bits: of the artifact's grid, used to propose a type.
  ExportDialog(const QString& artifact, double bits, QWidget* parent = nullptr);
  exporting::GgufType type() const;

private:
  QComboBox* m_type;
};

} // namespace nibblesmith::ui
