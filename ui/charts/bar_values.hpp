// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/charts/bar_chart.hpp"

#include <QGraphicsItem>

namespace nibblesmith::ui {

/// The figures behind the ends of a horizontal bar chart's bars, drawn over it. Left out where bars are too thin
/// to read them.
class BarValues : public QGraphicsItem {
public:
  /// Becomes a child of the chart.
  BarValues(QChart* chart, BarChart bars, const ChartStyle& style);

  QRectF boundingRect() const override;
  void paint(QPainter* painter, const QStyleOptionGraphicsItem* option, QWidget* widget) override;

private:
  QChart* m_chart;
  BarChart m_bars;
  ChartStyle m_style;
};

} // namespace nibblesmith::ui
