// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/widgets/form_dialog.hpp"
#include "workflow/evaluate.hpp"

namespace nibblesmith::ui {

class EvaluationForm;
struct FilesBesideModel;

/// Dialog for the data that artifacts are evaluated on. GUI thread.
class EvaluateDialog : public FormDialog {
  Q_OBJECT

public:
  /// artifacts: their titles, one per line. files: proposed files.
  EvaluateDialog(const QString& artifacts, const FilesBesideModel& files, QWidget* parent = nullptr);
  /// Request with an empty artifact.
  workflow::EvaluateRequest request() const;

private:
  EvaluationForm* m_form;
};

} // namespace nibblesmith::ui
