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

/// Named point of a scatter chart, with its standard error if known.
struct LabelledPoint {
  QPointF value;
  std::optional<double> error; ///< one standard error, along y
  QString label;
  QColor color;
};

/// Name of a point with the rectangle chosen for it.
struct PlacedName {
  QPointF point;
  QSizeF size;
  QRectF place;
};

/// Chooses a place near its point for each name, inside the area. Avoids the obstacles and the other names as
/// far as there is room.
void placeNames(std::vector<PlacedName>& names, const std::vector<QRectF>& obstacles, const QRectF& area);

/// Names and error bars of a chart's points, drawn over it. Unlike the labels of Qt Charts, the names avoid
/// each other, the points and the error bars.
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
