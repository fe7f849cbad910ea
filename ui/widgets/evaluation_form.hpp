// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "workflow/evaluate.hpp"

#include <QWidget>

class QComboBox;

namespace nibblesmith::ui {

class FormField;
class Int64Box;
class PathField;
class PathList;
struct FilesBesideModel;

/// Form for the data that an artifact is evaluated on. GUI thread.
class EvaluationForm : public QWidget {
  Q_OBJECT

public:
  explicit EvaluationForm(QWidget* parent = nullptr);

  /// Request with an empty artifact.
  workflow::EvaluateRequest request() const;
  void setFiles(const FilesBesideModel& files);
  /// Shows problems next to their fields; true if there are none.
  bool check();

signals:
  void changed();

private:
  PathField* m_text;
  QComboBox* m_style;
  Int64Box* m_context;
  PathList* m_pairs;
  Int64Box* m_limit;
  FormField* m_textField;
  FormField* m_pairsField;
};

} // namespace nibblesmith::ui
