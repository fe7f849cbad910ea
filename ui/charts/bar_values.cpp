// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/charts/bar_values.hpp"

#include <QAbstractBarSeries>
#include <QChart>
#include <QFontMetricsF>
#include <QPainter>

namespace nibblesmith::ui {

BarValues::BarValues(QChart* chart, BarChart bars, const ChartStyle& style)
    : QGraphicsItem(chart), m_chart(chart), m_bars(std::move(bars)), m_style(style) {
  setZValue(20);
  setAcceptedMouseButtons(Qt::NoButton);
  QObject::connect(chart, &QChart::plotAreaChanged, chart, [this] {
    prepareGeometryChange();
    update();
  });
}

QRectF BarValues::boundingRect() const { return m_chart->rect(); }

void BarValues::paint(QPainter* painter, const QStyleOptionGraphicsItem*, QWidget*) {
  const auto categories = static_cast<qreal>(m_bars.categories.size());
  const auto groups = static_cast<qreal>(m_bars.groups.size());
  if (categories == 0 || groups == 0 || m_chart->series().isEmpty())
    return;
  const auto* series = static_cast<const QAbstractBarSeries*>(m_chart->series().constFirst());
  const qreal slot = m_chart->plotArea().height() / categories;
  const qreal thickness = slot * series->barWidth() / groups;
  QFont font = painter->font();
  font.setPointSizeF(font.pointSizeF() * 0.85);
  painter->setFont(font);
  const QFontMetricsF metrics(font);
  if (thickness < metrics.capHeight() + 1)
    return;
  painter->setPen(m_style.faintText);
  for (size_t g = 0; g < m_bars.groups.size(); ++g) {
    const auto& values = m_bars.groups[g].values;
    for (size_t c = 0; c < values.size(); ++c) {
      const qreal middle = m_chart->plotArea().top() + slot * (static_cast<qreal>(c) + 0.5) +
                           thickness * (static_cast<qreal>(g) + 0.5 - groups / 2);
      const qreal end = m_chart->mapToPosition({values[c], 0}).x();
      painter->drawText(QPointF(end + 4, middle + metrics.capHeight() / 2),
                        QString::number(values[c], 'f', m_bars.decimals));
    }
  }
}

} // namespace nibblesmith::ui
