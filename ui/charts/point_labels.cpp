// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/charts/point_labels.hpp"

#include <QChart>
#include <QFontMetricsF>
#include <QPainter>

#include <algorithm>
#include <array>

namespace nibblesmith::ui {

namespace {

constexpr qreal kGap = 8;

/// The places to try for a name of this size at a point, best first.
std::array<QRectF, 8> placesAround(const QPointF& point, const QSizeF& size) {
  const qreal w = size.width(), h = size.height(), x = point.x(), y = point.y();
  return {QRectF(x + kGap, y - h / 2, w, h),
          QRectF(x - w - kGap, y - h / 2, w, h),
          QRectF(x - w / 2, y - h - kGap, w, h),
          QRectF(x - w / 2, y + kGap, w, h),
          QRectF(x + kGap, y - h - kGap / 2, w, h),
          QRectF(x + kGap, y + kGap / 2, w, h),
          QRectF(x - w - kGap, y - h - kGap / 2, w, h),
          QRectF(x - w - kGap, y + kGap / 2, w, h)};
}

qreal overlap(const QRectF& a, const QRectF& b) {
  const QRectF common = a.intersected(b);
  return common.width() * common.height();
}

} // namespace

PointLabels::PointLabels(QChart* chart, std::vector<LabelledPoint> points, const ChartStyle& style)
    : QGraphicsItem(chart), m_chart(chart), m_points(std::move(points)), m_style(style) {
  setZValue(20);
  setAcceptedMouseButtons(Qt::NoButton);
  QObject::connect(chart, &QChart::plotAreaChanged, chart, [this] {
    prepareGeometryChange();
    update();
  });
}

QRectF PointLabels::boundingRect() const { return m_chart->rect(); }

void PointLabels::paint(QPainter* painter, const QStyleOptionGraphicsItem*, QWidget*) {
  painter->setRenderHint(QPainter::Antialiasing);
  paintErrorBars(painter);
  paintNames(painter);
}

void PointLabels::paintErrorBars(QPainter* painter) const {
  constexpr qreal kCap = 3;
  for (const LabelledPoint& point : m_points) {
    if (!point.error)
      continue;
    const QPointF low = m_chart->mapToPosition({point.value.x(), point.value.y() - *point.error});
    const QPointF high = m_chart->mapToPosition({point.value.x(), point.value.y() + *point.error});
    painter->setPen(QPen(point.color, 1.5));
    painter->drawLine(low, high);
    painter->drawLine(low - QPointF(kCap, 0), low + QPointF(kCap, 0));
    painter->drawLine(high - QPointF(kCap, 0), high + QPointF(kCap, 0));
  }
}

void PointLabels::paintNames(QPainter* painter) const {
  const QRectF area = m_chart->plotArea();
  const QFontMetricsF metrics(painter->font());
  std::vector<QRectF> taken;
  for (const LabelledPoint& point : m_points) {
    const QPointF at = m_chart->mapToPosition(point.value);
    taken.emplace_back(at.x() - 5, at.y() - 5, 10, 10);
  }
  painter->setPen(m_style.text);
  for (const LabelledPoint& point : m_points) {
    const QSizeF size(metrics.horizontalAdvance(point.label) + 2, metrics.height());
    const auto cost = [&](const QRectF& place) {
      qreal sum = 0;
      for (const QRectF& other : taken)
        sum += overlap(place, other);
      return sum + 4 * (size.width() * size.height() - overlap(place, area));
    };
    const auto places = placesAround(m_chart->mapToPosition(point.value), size);
    const QRectF best = *std::min_element(places.begin(), places.end(), [&](const QRectF& a, const QRectF& b) {
      return cost(a) < cost(b);
    });
    taken.push_back(best);
    painter->drawText(best, Qt::AlignCenter, point.label);
  }
}

} // namespace nibblesmith::ui
