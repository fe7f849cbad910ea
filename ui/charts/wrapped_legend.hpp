// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/charts/chart_style.hpp"

#include <QGraphicsObject>
#include <QString>

#include <vector>

class QChart;

namespace nibblesmith::ui {

/// Entry of a legend: a name and its colour.
struct LegendEntry {
  QString name;
  QColor color;
};

/// Legend below the plot with as many rows as its names need. QLegend has only one row and elides the names;
/// use it for a few short ones.
class WrappedLegend : public QGraphicsObject {
public:
  /// Becomes a child of the chart.
  WrappedLegend(QChart* chart, std::vector<LegendEntry> entries, const ChartStyle& style);

  QRectF boundingRect() const override;
  void paint(QPainter* painter, const QStyleOptionGraphicsItem* option, QWidget* widget) override;

private:
  /// Returns the position of each entry relative to the legend's upper left corner.
  std::vector<QPointF> places() const;
  /// Reserves space for the legend below the plot.
  void makeRoom();

  QChart* m_chart;
  std::vector<LegendEntry> m_entries;
  ChartStyle m_style;
};

} // namespace nibblesmith::ui
