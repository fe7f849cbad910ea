// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "quantization/recipe.hpp"
#include "quantization/rounding.hpp"
#include "ui/pages/recipe/policy_editor.hpp"

#include <QWidget>

#include <functional>

class QLineEdit;
class QVBoxLayout;

namespace nibblesmith::ui {

class CalibrationForm;
class FormField;
class MethodForm;
class TransformList;

/// A whole recipe as a form made from the methods' descriptions. GUI thread.
class RecipeForm : public QWidget {
  Q_OBJECT

public:
  explicit RecipeForm(const quantization::MethodCatalog& methods, QWidget* parent = nullptr);

  /// Everything that the form shows, for undo.
  struct State {
    quantization::Recipe recipe;
    PolicyText policy; ///< of which recipe.policy is what is understood
    QString calibrationFile;

    bool operator==(const State&) const = default;
  };

  quantization::Recipe recipe() const;
  void setRecipe(const quantization::Recipe& recipe);
  QString calibrationFile() const;
  void setCalibrationFile(const QString& path);
  State state() const;
  /// Recipe and policy; see setCalibrationFile() for the rest.
  void setState(const State& state);

  /// Asked for the recipe's name whenever a setting has changed: what it was called before, and what it is
  /// now.
  using Naming = std::function<QString(const quantization::Recipe& before, const quantization::Recipe& now)>;
  void setNaming(Naming naming);
  void setName(const QString& name);
  void setNameProblem(const QString& text);

  /// Below the form's own cards.
  void addCard(QWidget* card);

  /// Shows what is wrong beside its field; true where nothing is.
  bool check();
  /// A sentence from the core about this recipe: shown at the field that it names. False where it names none.
  bool showProblem(const QString& text);

  TransformList* transforms() const { return m_transforms; }
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
  void followName();
  void fill(const quantization::Recipe& recipe);
  bool checkMethod(MethodForm& form);
  bool checkCache();
  /// Labels of the chosen methods that need calibration; empty: none does.
  QString calibrated() const;

  quantization::Recipe m_recipe; ///< as set; its fields without an editor are kept
  quantization::Recipe m_last;   ///< as last told by changed()
  Naming m_naming;
  QLineEdit* m_name;
  FormField* m_nameField;
  TransformList* m_transforms;
  MethodForm* m_rounding;
  MethodForm* m_grid;
  MethodForm* m_activations;
  MethodForm* m_cache; ///< of keys and values
  CalibrationForm* m_calibration;
  PolicyEditor* m_policy;
  QVBoxLayout* m_cards;
  bool m_setting = false;
};

} // namespace nibblesmith::ui
