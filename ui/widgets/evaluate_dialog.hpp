// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/widgets/form_dialog.hpp"
#include "workflow/requests.hpp"

namespace nibblesmith::ui {

class EvaluationForm;
struct FilesBesideModel;

/// What artifacts are evaluated on. GUI thread.
class EvaluateDialog : public FormDialog {
  Q_OBJECT

public:
  /// artifacts: their titles, one a line. files: proposed.
  EvaluateDialog(const QString& artifacts, const FilesBesideModel& files, QWidget* parent = nullptr);
  /// The artifact is left empty.
  workflow::EvaluateRequest request() const;

private:
  EvaluationForm* m_form;
};

} // namespace nibblesmith::ui
