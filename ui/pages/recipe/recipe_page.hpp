// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "quantization/recipe.hpp"
#include "ui/pages/recipe/recipe_naming.hpp"
#include "ui/session/session.hpp"
#include "workflow/quantize.hpp"

#include <QWidget>

#include <vector>

class QCheckBox;
class QComboBox;
class QPushButton;

namespace nibblesmith::ui {

class CalibrationCheck;
class DeviceFitCard;
class EstimateCard;
class EvaluationForm;
class FormField;
class Label;
class MixedPrecisionCard;
class PathField;
class RecipeForm;
class RecipeHistory;

/// Page to choose a recipe for the open model and start the work. GUI thread.
class RecipePage : public QWidget {
  Q_OBJECT

public:
  RecipePage(Session& session, std::vector<quantization::Recipe> presets, QWidget* parent = nullptr);

  workflow::QuantizeRequest request() const;
  /// Loads a recipe file into the form; shows the problem and returns false if that fails.
  bool loadRecipe(const QString& path);
  RecipeForm* form() const { return m_form; }
  RecipeHistory& history() const { return *m_history; }
  PathField* output() const { return m_output; }
  bool isEstimating() const;
  DeviceFitCard* deviceFit() const { return m_fit; }
  CalibrationCheck* calibrationCheck() const { return m_check; }
  MixedPrecisionCard* mixedPrecision() const { return m_mixed; }

private:
  QWidget* makeTopBar();
  QWidget* makeSideBar();
  QWidget* makeFollowUps();
  void onModelChanged();
  void onChanged();
  void updateOutput();
  void checkCalibration();
  bool check();
  /// Returns the problem of the output folder; empty if it can be written to.
  QString outputProblem() const;
  void acceptPreset(int index);
  void choosePreset(int index);
  void listPresets();
  void showPreset();
  void chooseFile();
  void saveFile();
  bool accept(const quantization::Recipe& recipe);
  /// Decides what to do with an existing artifact in the output folder; false: nothing is started.
  bool settleOutput(workflow::QuantizeRequest& request);
  void quantize();

  Session& m_session;
  RecipeNaming m_naming;
  int m_chosen = -1; ///< index of the preset that the recipe was made from
  QComboBox* m_presetCombo = nullptr;
  Label* m_loadProblem = nullptr;
  RecipeForm* m_form = nullptr;
  RecipeHistory* m_history = nullptr;
  Label* m_modelName = nullptr;
  Label* m_model = nullptr;
  EstimateCard* m_estimate = nullptr;
  DeviceFitCard* m_fit = nullptr;
  CalibrationCheck* m_check = nullptr;
  MixedPrecisionCard* m_mixed = nullptr;
  PathField* m_output = nullptr;
  FormField* m_outputField = nullptr;
  QString m_proposedOutput;
  QCheckBox* m_thenEvaluate = nullptr;
  EvaluationForm* m_evaluation = nullptr;
  QCheckBox* m_thenBenchmark = nullptr;
  Label* m_problem = nullptr;
  QPushButton* m_start = nullptr;
};

} // namespace nibblesmith::ui
