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

/// Policy as typed, including text that is not valid.
struct PolicyText {
  QString keep;
  std::vector<std::pair<QString, QString>> overrides; ///< pattern and change

  bool operator==(const PolicyText&) const = default;
};

/// Editor for the layers that are not quantized, and for those with another grid or other inputs. GUI thread.
class PolicyEditor : public QWidget {
  Q_OBJECT

public:
  explicit PolicyEditor(QWidget* parent = nullptr);

  /// Sets the methods whose parameters an override may change.
  void setMethods(const quantization::MethodDescription* grid,
                  const quantization::MethodDescription* activations);
  quantization::Policy policy() const;
  void setPolicy(const quantization::Policy& policy);
  PolicyText text() const;
  void setText(const PolicyText& text);
  /// Shows problems; true if there are none.
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

/// Parses a change such as "bits=8, groupSize=32" to the types that the grid declares; "use=nf4" selects
/// another grid, "inputs.mode=dynamic" changes the activations. The result has no pattern. Throws
/// base::Error{InvalidArgument, NotFound} naming the part that is not valid.
quantization::Override parseChange(const QString& text, const quantization::MethodDescription& grid,
                                   const quantization::MethodDescription& activations);
QString changeText(const quantization::Override& override);

} // namespace nibblesmith::ui
