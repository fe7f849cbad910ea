// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/charts/bar_chart.hpp"

#include <QGraphicsItem>

namespace nibblesmith::ui {

/// Labels of a horizontal bar chart, drawn over it. Category names are in the left margin and elided in the
/// middle if they need more than their share of the width (the axis of Qt Charts would drop all of them).
/// Values are at the ends of the bars, and omitted if the bars are too thin.
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
