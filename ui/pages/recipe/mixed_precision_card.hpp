// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "quantization/recipe.hpp"
#include "quantization/sensitivity.hpp"
#include "ui/models/sensitivity_map.hpp"
#include "ui/session/session.hpp"
#include "ui/widgets/card.hpp"

#include <optional>

class QComboBox;
class QPushButton;
class QSpinBox;
class QTableView;

namespace nibblesmith::ui {

class ColorScale;
class Label;
class NumberBox;

/// Card for mixed precision: shows a map of the sensitivity of each layer at each bit width, measured by a
/// job, and chooses the bits of every layer for a given average, for use in the recipe. GUI thread.
class MixedPrecisionCard : public Card {
  Q_OBJECT

public:
  explicit MixedPrecisionCard(Session& session, QWidget* parent = nullptr);

  /// Sets the recipe to measure. calibrationFile: empty if none is chosen.
  void setRecipe(const quantization::Recipe& recipe, const QString& calibrationFile);
  /// Shows measurements. Those of another model can be shown, but their bits cannot be applied.
  void show(quantization::Sensitivity sensitivity);
  bool load(const QString& path);

  QTableView* map() const { return m_map; }
  NumberBox* target() const { return m_target; }

signals:
  /// Emitted with the recipe that contains the chosen bits.
  void chosen(const quantization::Recipe& recipe);

private:
  QWidget* makeMeasureRow();
  QWidget* makeMap();
  QWidget* makeTargetRow();
  void measure();
  void showBits(int bits);
  void onJobEnded(JobId id);
  void allocate();
  void takeOver();
  void chooseFile();
  void saveFile();
  void update();

  Session& m_session;
  quantization::Recipe m_recipe;
  QString m_calibrationFile;
  std::optional<JobId> m_job; ///< measuring job
  SensitivityMap m_model;
  std::optional<quantization::Allocation> m_allocation;
  QComboBox* m_measure = nullptr;
  QSpinBox* m_sequences = nullptr;
  QPushButton* m_start = nullptr;
  QPushButton* m_save = nullptr;
  Label* m_hint;
  QWidget* m_result;
  QComboBox* m_shown = nullptr;
  ColorScale* m_scale = nullptr;
  QTableView* m_map = nullptr;
  NumberBox* m_target = nullptr;
  Label* m_outcome = nullptr;
  QPushButton* m_take = nullptr;
  Label* m_problem;
};

} // namespace nibblesmith::ui
