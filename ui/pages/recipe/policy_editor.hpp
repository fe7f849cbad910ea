// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "quantization/parameters.hpp"
#include "quantization/recipe.hpp"

#include <QWidget>

class QLineEdit;
class QTableWidget;
class QToolButton;

namespace nibblesmith::ui {

class FormField;

/// What stays as stored, and what gets another grid. GUI thread.
class PolicyEditor : public QWidget {
  Q_OBJECT

public:
  explicit PolicyEditor(QWidget* parent = nullptr);

  /// Whose parameters an override may change.
  void setGrid(const quantization::MethodDescription* grid);
  quantization::Policy policy() const;
  void setPolicy(const quantization::Policy& policy);
  /// Shows what is wrong; true where nothing is.
  bool check();
  QTableWidget* overrides() const { return m_overrides; }
  QLineEdit* keep() const { return m_keep; }

signals:
  void changed();

private:
  void addRow(const QString& match, const QString& change);
  void removeRows();

  quantization::MethodDescription m_grid;
  QLineEdit* m_keep;
  QTableWidget* m_overrides;
  QToolButton* m_remove;
  FormField* m_overridesField;
};

/// "bits=8, groupSize=32" as JSON of the types that the grid declares; "use=nf4" among them names another grid. Throws
/// base::Error{InvalidArgument, NotFound} naming what is not understood.
base::Json parseChange(const QString& text, const quantization::MethodDescription& grid);
QString changeText(const base::Json& change);

} // namespace nibblesmith::ui
