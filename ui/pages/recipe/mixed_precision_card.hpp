// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

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

/// How much each layer loses at each width, measured by a job and drawn as a map; bits for every layer chosen
/// for an average, to be taken into the recipe. GUI thread.
class MixedPrecisionCard : public Card {
  Q_OBJECT

public:
  explicit MixedPrecisionCard(Session& session, QWidget* parent = nullptr);

  /// What would be measured now. calibrationFile: empty where none is chosen.
  void setRecipe(const quantization::Recipe& recipe, const QString& calibrationFile);
  /// Shows measurements; of another model, they are refused when their bits are taken over.
  void show(quantization::Sensitivity sensitivity);
  bool load(const QString& path);

  QTableView* map() const { return m_map; }
  NumberBox* target() const { return m_target; }

signals:
  /// The recipe with the bits that were chosen.
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
  std::optional<JobId> m_job; ///< that measures
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
