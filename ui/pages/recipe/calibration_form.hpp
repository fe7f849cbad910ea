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

/// The calibration file and what is taken from it. GUI thread.
class CalibrationForm : public QWidget {
  Q_OBJECT

public:
  explicit CalibrationForm(QWidget* parent = nullptr);

  calibration::CalibrationOptions options() const;
  void setOptions(const calibration::CalibrationOptions& options);
  QString file() const;
  void setFile(const QString& path);
  /// Whether the method uses calibration data at all.
  void setNeeded(bool needed, const QString& method);
  /// Shows what is wrong beside its field; true where nothing is.
  bool check();
  /// A sentence from the core: shown at the field that it names, else at the file.
  void showProblem(const QString& text);
  /// Places a widget below the fields, shown where they are.
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
  std::map<std::string, FormField*> m_optionFields; ///< by the recipe's name for them
  Label* m_hint;
  QWidget* m_fields;
  bool m_needed = true;
};

} // namespace nibblesmith::ui
