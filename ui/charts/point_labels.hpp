// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/charts/chart_style.hpp"

#include <QGraphicsItem>
#include <QPointF>
#include <QRectF>
#include <QString>

#include <optional>
#include <vector>

class QChart;

namespace nibblesmith::ui {

/// A named point of a scatter chart, with one standard error where it is known.
struct LabelledPoint {
  QPointF value;
  std::optional<double> error; ///< along y
  QString label;
  QColor color;
};

/// Where the name of a point stands.
struct PlacedName {
  QPointF point;
  QSizeF size;
  QRectF place;
};

/// Finds a place for each name beside its point, inside the area, off the obstacles and off each other as far
/// as there is room.
void placeNames(std::vector<PlacedName>& names, const std::vector<QRectF>& obstacles, const QRectF& area);

/// Names and error bars of a chart's points, drawn over it. Each name stands where it covers no other name,
/// no point and no error bar, which QtCharts' own labels do not look at.
class PointLabels : public QGraphicsItem {
public:
  /// Becomes a child of the chart.
  PointLabels(QChart* chart, std::vector<LabelledPoint> points, const ChartStyle& style);

  QRectF boundingRect() const override;
  void paint(QPainter* painter, const QStyleOptionGraphicsItem* option, QWidget* widget) override;

private:
  void paintErrorBars(QPainter* painter) const;
  void paintNames(QPainter* painter) const;

  QChart* m_chart;
  std::vector<LabelledPoint> m_points;
  ChartStyle m_style;
};

} // namespace nibblesmith::ui
