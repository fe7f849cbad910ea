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

/// Form for a whole recipe, built from the descriptions of the methods. GUI thread.
class RecipeForm : public QWidget {
  Q_OBJECT

public:
  explicit RecipeForm(const quantization::MethodCatalog& methods, QWidget* parent = nullptr);

  /// Everything that the form shows, for undo.
  struct State {
    quantization::Recipe recipe;
    PolicyText policy; ///< as typed; recipe.policy contains its valid part
    QString calibrationFile;

    bool operator==(const State&) const = default;
  };

  quantization::Recipe recipe() const;
  void setRecipe(const quantization::Recipe& recipe);
  QString calibrationFile() const;
  void setCalibrationFile(const QString& path);
  State state() const;
  /// Sets recipe and policy; use setCalibrationFile() for the file.
  void setState(const State& state);

  /// Callback that returns the recipe's name after a setting has changed, given the recipe before and now.
  using Naming = std::function<QString(const quantization::Recipe& before, const quantization::Recipe& now)>;
  void setNaming(Naming naming);
  void setName(const QString& name);
  void setNameProblem(const QString& text);

  /// Adds a card below the form's own cards.
  void addCard(QWidget* card);

  /// Shows problems next to their fields; true if there are none.
  bool check();
  /// Shows an error message of the core next to the field that it names. Returns false if it names none.
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
  /// Labels of the chosen methods that need calibration data; empty if none does.
  QString calibrated() const;

  quantization::Recipe m_recipe; ///< recipe as set; keeps the fields without an editor
  quantization::Recipe m_last;   ///< recipe at the last changed()
  Naming m_naming;
  QLineEdit* m_name;
  FormField* m_nameField;
  TransformList* m_transforms;
  MethodForm* m_rounding;
  MethodForm* m_grid;
  MethodForm* m_activations;
  MethodForm* m_cache; ///< key-value cache
  CalibrationForm* m_calibration;
  PolicyEditor* m_policy;
  QVBoxLayout* m_cards;
  bool m_setting = false;
};

} // namespace nibblesmith::ui
