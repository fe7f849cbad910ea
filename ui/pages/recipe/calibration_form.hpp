// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "calibration/calibration_set.hpp"

#include <QWidget>

#include <map>
#include <string>

class QComboBox;

namespace nibblesmith::ui {

class FormField;
class Int64Box;
class Label;
class PathField;

/// Form for the calibration file and its sampling. GUI thread.
class CalibrationForm : public QWidget {
  Q_OBJECT

public:
  explicit CalibrationForm(QWidget* parent = nullptr);

  calibration::CalibrationOptions options() const;
  void setOptions(const calibration::CalibrationOptions& options);
  QString file() const;
  void setFile(const QString& path);
  /// Sets if the method uses calibration data at all.
  void setNeeded(bool needed, const QString& method);
  /// Shows problems next to their fields; true if there are none.
  bool check();
  /// Shows an error message of the core next to the field that it names, otherwise next to the file.
  void showProblem(const QString& text);
  /// Adds a widget below the fields; visible when they are.
  void addBelow(QWidget* widget);

signals:
  void changed();

private:
  PathField* m_file;
  Int64Box* m_samples;
  Int64Box* m_length;
  QComboBox* m_sampling;
  Int64Box* m_seed;
  QComboBox* m_packing;
  QComboBox* m_chatTemplate;
  FormField* m_fileField;
  std::map<std::string, FormField*> m_optionFields; ///< by the field's name in the recipe
  Label* m_hint;
  QWidget* m_fields;
  bool m_needed = true;
};

} // namespace nibblesmith::ui
