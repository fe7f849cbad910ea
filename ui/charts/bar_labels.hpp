// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/charts/bar_chart.hpp"

#include <QGraphicsItem>

namespace nibblesmith::ui {

/// The words of a horizontal bar chart, drawn over it: the categories' names in the left margin, shortened in
/// their middle where they would take more than their share of the width (QtCharts' own axis drops them all),
/// and the figures behind the bars' ends, left out where bars are too thin to read them.
class BarLabels : public QGraphicsItem {
public:
  /// Becomes a child of the chart and sets its left margin.
  BarLabels(QChart* chart, BarChart bars, const ChartStyle& style);

  QRectF boundingRect() const override;
  void paint(QPainter* painter, const QStyleOptionGraphicsItem* option, QWidget* widget) override;

private:
  void makeRoom();
  void paintNames(QPainter* painter) const;
  void paintFigures(QPainter* painter) const;
  qreal slotHeight() const;

  QChart* m_chart;
  BarChart m_bars;
  ChartStyle m_style;
};

} // namespace nibblesmith::ui
