// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/models/experiment_columns.hpp"
#include "ui/models/record_model.hpp"

#include <QTimer>
#include <QWidget>

#include <filesystem>
#include <memory>
#include <vector>

class QAction;
class QComboBox;
class QMenu;
class QStackedLayout;

namespace nibblesmith::ui {

class ChartPanel;
class EmptyState;
class Label;
class Session;
class TableView;
class ToolRow;
class WordFilter;

/// Page of the experiment log: a table to filter and sort, and charts of the selected rows. GUI thread.
class ExperimentsPage : public QWidget {
  Q_OBJECT

public:
  explicit ExperimentsPage(Session& session, QWidget* parent = nullptr);

  TableView* table() const { return m_table; }
  ChartPanel* charts() const { return m_charts; }
  /// Returns the selected rows in the table's order; all visible rows if none is selected.
  std::vector<ExperimentRow> chosenRows() const;

private:
  QWidget* makeEmptyView();
  QWidget* makeLogBar();
  QWidget* makeLogView();
  QWidget* makeChartCard();
  void makeActions(ToolRow& tools);
  QMenu* makeColumnMenu();
  QMenu* makeExportMenu();
  void onLogChanged();
  void setRows();
  void rebuildColumns();
  void updateActions();
  void updateCharts();
  std::vector<ExperimentRow> selectedRows() const;
  void saveColumns();
  void exportTable();
  void exportCharts();
  void showFolder();

  Session& m_session;
  std::unique_ptr<RecordModel<ExperimentRow>> m_model;
  WordFilter* m_filter = nullptr;
  QStackedLayout* m_stack = nullptr;
  EmptyState* m_empty = nullptr;
  std::filesystem::path m_shownLog;
  Label* m_logProblem = nullptr;
  TableView* m_table = nullptr;
  ChartPanel* m_charts = nullptr;
  Label* m_chartHint = nullptr;
  QComboBox* m_dataset = nullptr;
  QAction *m_evaluate = nullptr, *m_benchmark = nullptr, *m_export = nullptr, *m_deploy = nullptr,
          *m_folder = nullptr, *m_delete = nullptr;
  QTimer m_chartDelay;
};

} // namespace nibblesmith::ui
