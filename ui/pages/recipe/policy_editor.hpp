// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "quantization/parameters.hpp"
#include "quantization/recipe.hpp"

#include <QWidget>

#include <utility>
#include <vector>

class QLineEdit;
class QTableWidget;
class QToolButton;

namespace nibblesmith::ui {

class FormField;

/// A policy as it is typed: what is not understood is in it, too.
struct PolicyText {
  QString keep;
  std::vector<std::pair<QString, QString>> overrides; ///< pattern, change

  bool operator==(const PolicyText&) const = default;
};

/// What stays as stored, and what gets another grid or other inputs. GUI thread.
class PolicyEditor : public QWidget {
  Q_OBJECT

public:
  explicit PolicyEditor(QWidget* parent = nullptr);

  /// Whose parameters an override may change.
  void setMethods(const quantization::MethodDescription* grid,
                  const quantization::MethodDescription* activations);
  quantization::Policy policy() const;
  void setPolicy(const quantization::Policy& policy);
  PolicyText text() const;
  void setText(const PolicyText& text);
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
  quantization::MethodDescription m_activations;
  QLineEdit* m_keep;
  QTableWidget* m_overrides;
  QToolButton* m_remove;
  FormField* m_overridesField;
};

/// "bits=8, groupSize=32" as JSON of the types that the grid declares; "use=nf4" among them names another
/// grid. "inputs.mode=dynamic" is of the activations. Without a pattern. Throws base::Error{InvalidArgument,
/// NotFound} naming what is not understood.
quantization::Override parseChange(const QString& text, const quantization::MethodDescription& grid,
                                   const quantization::MethodDescription& activations);
QString changeText(const quantization::Override& override);

} // namespace nibblesmith::ui
