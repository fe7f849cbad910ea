// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/charts/experiment_charts.hpp"

#include <QWidget>

#include <array>

class QChartView;
class QFrame;
class QStackedLayout;

namespace nibblesmith::ui {

class Label;

/// Panel with the four charts of a set of experiments, side by side. GUI thread.
class ChartPanel : public QWidget {
  Q_OBJECT

public:
  explicit ChartPanel(QWidget* parent = nullptr);

  void show(const ChartRows& rows, const QString& dataset);
  const ChartRows& rows() const { return m_rows; }
  const QString& dataset() const { return m_dataset; }
  ChartStyle style() const;

protected:
  void changeEvent(QEvent* event) override;

private:
  struct Cell {
    QFrame* frame = nullptr;
    QStackedLayout* stack = nullptr;
    QChartView* view = nullptr;
    QWidget* hint = nullptr;
    Label* hintTitle = nullptr;
    Label* hintText = nullptr;
  };
  static void makeHint(Cell& cell);
  void rebuild();

  std::array<Cell, kAllCharts.size()> m_cells;
  ChartRows m_rows;
  QString m_dataset;
};

} // namespace nibblesmith::ui
