// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/charts/chart_style.hpp"

#include <QGraphicsObject>
#include <QString>

#include <vector>

class QChart;

namespace nibblesmith::ui {

/// What a colour of a chart stands for.
struct LegendEntry {
  QString name;
  QColor color;
};

/// A legend below the plot that takes as many rows as its names need. QLegend keeps to one row and cuts the
/// names, which is good enough for a few short ones.
class WrappedLegend : public QGraphicsObject {
public:
  /// Becomes a child of the chart.
  WrappedLegend(QChart* chart, std::vector<LegendEntry> entries, const ChartStyle& style);

  QRectF boundingRect() const override;
  void paint(QPainter* painter, const QStyleOptionGraphicsItem* option, QWidget* widget) override;

private:
  /// Where each entry begins, from the legend's upper left corner.
  std::vector<QPointF> places() const;
  /// Keeps room for the legend below the plot.
  void makeRoom();

  QChart* m_chart;
  std::vector<LegendEntry> m_entries;
  ChartStyle m_style;
};

} // namespace nibblesmith::ui
