// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "quantization/engine.hpp"
#include "quantization/layer_report.hpp"
#include "ui/models/record_model.hpp"
#include "ui/session/job.hpp"

#include <QWidget>

namespace nibblesmith::ui {

class Card;
class Facts;
class Label;
class TableView;
class WordFilter;

/// Details of one job: its error or its result, with the layer report of a quantization. GUI thread.
class JobDetails : public QWidget {
  Q_OBJECT

public:
  explicit JobDetails(QWidget* parent = nullptr);
  /// Shows a job; null: nothing is selected.
  void show(const Job* job);
  TableView* layerTable() const { return m_table; }

private:
  Card* m_card;
  Label* m_text;
  Facts* m_facts;
  Card* m_layerCard;
  RecordModel<quantization::LayerReport> m_layers;
  WordFilter* m_filter;
  TableView* m_table;
  JobId m_shown = 0;
  JobState m_shownState = JobState::Waiting;
};

} // namespace nibblesmith::ui
