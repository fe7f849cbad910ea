// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "quantization/recipe.hpp"
#include "quantization/rounding.hpp"

#include <QWidget>

class QLabel;
class QLineEdit;

namespace nibblesmith::ui {

class CalibrationForm;
class MethodForm;
class PolicyEditor;

/// A whole recipe as a form made from the methods' descriptions. What the form has no field for
/// (transforms after the first, those unknown here) goes through unchanged, and is said. GUI thread.
class RecipeForm : public QWidget {
  Q_OBJECT

public:
  explicit RecipeForm(const quantization::MethodCatalog& methods, QWidget* parent = nullptr);

  quantization::Recipe recipe() const;
  void setRecipe(const quantization::Recipe& recipe);
  QString calibrationFile() const;
  void setCalibrationFile(const QString& path);

  /// Shows what is wrong beside its field; true where nothing is.
  bool check();
  /// A sentence from the core about this recipe: shown at the field that it names. False where it names none.
  bool showProblem(const QString& text);

  MethodForm* transform() const { return m_transform; }
  MethodForm* rounding() const { return m_rounding; }
  MethodForm* grid() const { return m_grid; }
  MethodForm* activations() const { return m_activations; }
  MethodForm* cache() const { return m_cache; }
  PolicyEditor* policy() const { return m_policy; }
  CalibrationForm* calibration() const { return m_calibration; }

signals:
  void changed();

private:
  void onChanged();
  bool checkMethod(MethodForm& form);
  bool checkCache();
  /// Labels of the chosen methods that need calibration; empty: none does.
  QString calibrated() const;

  quantization::Recipe m_recipe; ///< as set; its fields without an editor are kept
  std::vector<quantization::MethodChoice> m_otherTransforms; ///< not in the form: all but the first, or unknown here
  QLineEdit* m_name;
  QLabel* m_untouched;
  MethodForm* m_transform;
  MethodForm* m_rounding;
  MethodForm* m_grid;
  MethodForm* m_activations;
  MethodForm* m_cache; ///< of keys and values
  CalibrationForm* m_calibration;
  PolicyEditor* m_policy;
  bool m_setting = false;
};

} // namespace nibblesmith::ui
