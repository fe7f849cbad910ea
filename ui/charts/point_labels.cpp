// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/charts/point_labels.hpp"

#include <QChart>
#include <QFontMetricsF>
#include <QPainter>

#include <algorithm>
#include <array>
#include <optional>

namespace nibblesmith::ui {

namespace {

constexpr qreal kGap = 8;
constexpr qreal kFarGap = 24;

/// Returns candidate places for a name of this size at a point, best first: close around it, then farther
/// away.
std::array<QRectF, 16> placesAround(const QPointF& point, const QSizeF& size) {
  const qreal w = size.width(), h = size.height(), x = point.x(), y = point.y();
  std::array<QRectF, 16> places;
  auto place = places.begin();
  for (const qreal gap : {kGap, kFarGap}) {
    const qreal beside = gap == kGap ? kGap / 2 : kFarGap; // vertical distance of the corner places
    for (const QPointF& corner :
         {QPointF(x + gap, y - h / 2), QPointF(x - w - gap, y - h / 2), QPointF(x - w / 2, y - h - gap),
          QPointF(x - w / 2, y + gap), QPointF(x + gap, y - h - beside), QPointF(x + gap, y + beside),
          QPointF(x - w - gap, y - h - beside), QPointF(x - w - gap, y + beside)})
      *place++ = QRectF(corner, size);
  }
  return places;
}

/// Returns the line from a point to its name; none if the name is close enough without one.
std::optional<QLineF> leader(const QPointF& point, const QRectF& name) {
  const QPointF nearest(std::clamp(point.x(), name.left(), name.right()),
                        std::clamp(point.y(), name.top(), name.bottom()));
  const QLineF line(point, nearest);
  return line.length() > kFarGap - 1 ? std::optional(line) : std::nullopt;
}

qreal overlap(const QRectF& a, const QRectF& b) {
  const QRectF common = a.intersected(b);
  return common.width() * common.height();
}

} // namespace

void placeNames(std::vector<PlacedName>& names, const std::vector<QRectF>& obstacles, const QRectF& area) {
  constexpr int kSweeps = 4;       // early choices are revised after later ones
  constexpr qreal kNameWeight = 3; // overlap with another name costs more than overlap with a thin line
  for (int sweep = 0; sweep < kSweeps; ++sweep)
    for (PlacedName& name : names) {
      const auto cost = [&](const QRectF& place) {
        qreal sum = 4 * (place.width() * place.height() - overlap(place, area));
        for (const QRectF& obstacle : obstacles)
          sum += overlap(place, obstacle);
        for (const PlacedName& other : names)
          sum += &other == &name ? 0 : kNameWeight * overlap(place, other.place);
        return sum;
      };
      const auto places = placesAround(name.point, name.size);
      name.place = *std::min_element(places.begin(), places.end(),
                                     [&](const QRectF& a, const QRectF& b) { return cost(a) < cost(b); });
    }
}

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
  const QFontMetricsF metrics(painter->font());
  std::vector<PlacedName> names;
  std::vector<QRectF> obstacles;
  for (const LabelledPoint& point : m_points) {
    const QPointF at = m_chart->mapToPosition(point.value);
    names.push_back({at, {metrics.horizontalAdvance(point.label) + 2, metrics.height()}, {}});
    obstacles.emplace_back(at.x() - 5, at.y() - 5, 10, 10);
    if (!point.error)
      continue;
    const qreal reach =
        at.y() - m_chart->mapToPosition({point.value.x(), point.value.y() + *point.error}).y();
    obstacles.emplace_back(at.x() - 4, at.y() - reach, 8, 2 * reach);
  }
  placeNames(names, obstacles, m_chart->plotArea());
  for (size_t i = 0; i < names.size(); ++i) {
    if (const auto line = leader(names[i].point, names[i].place)) {
      painter->setPen(QPen(m_style.faintText, 0.8));
      painter->drawLine(*line);
    }
    painter->setPen(m_style.text);
    painter->drawText(names[i].place, Qt::AlignCenter, m_points[i].label);
  }
}

} // namespace nibblesmith::ui
