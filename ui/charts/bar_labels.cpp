// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/charts/bar_labels.hpp"

#include <QAbstractBarSeries>
#include <QChart>
#include <QFontMetricsF>
#include <QGuiApplication>
#include <QPainter>

#include <algorithm>
#include <cmath>

namespace nibblesmith::ui {

namespace {

constexpr qreal kGap = 6;
constexpr qreal kLargestShare = 0.36;
constexpr qreal kFigureScale = 0.85;

} // namespace

BarLabels::BarLabels(QChart* chart, BarChart bars, const ChartStyle& style)
    : QGraphicsItem(chart), m_chart(chart), m_bars(std::move(bars)), m_style(style) {
  setZValue(20);
  setAcceptedMouseButtons(Qt::NoButton);
  QObject::connect(chart, &QChart::plotAreaChanged, chart, [this] {
    prepareGeometryChange();
    update();
  });
  QObject::connect(chart, &QChart::geometryChanged, chart, [this] { makeRoom(); });
  makeRoom();
}

QRectF BarLabels::boundingRect() const { return m_chart->rect(); }

void BarLabels::paint(QPainter* painter, const QStyleOptionGraphicsItem*, QWidget*) {
  if (m_bars.categories.isEmpty() || m_bars.groups.empty() || m_chart->series().isEmpty())
    return;
  painter->setFont(QGuiApplication::font());
  paintNames(painter);
  paintFigures(painter);
}

void BarLabels::makeRoom() {
  const QFontMetricsF metrics(QGuiApplication::font());
  qreal widest = 0;
  for (const QString& name : m_bars.categories)
    widest = std::max(widest, metrics.horizontalAdvance(name));
  QMargins margins = m_chart->margins();
  const int left =
      static_cast<int>(std::ceil(std::min(widest, m_chart->rect().width() * kLargestShare) + 2 * kGap));
  if (margins.left() == left)
    return;
  margins.setLeft(left);
  m_chart->setMargins(margins);
}

qreal BarLabels::slotHeight() const {
  return m_chart->plotArea().height() / static_cast<qreal>(m_bars.categories.size());
}

void BarLabels::paintNames(QPainter* painter) const {
  const QFontMetricsF metrics(painter->font());
  const QRectF area = m_chart->plotArea();
  const qreal width = area.left() - 2 * kGap;
  if (slotHeight() < metrics.capHeight() + 1)
    return;
  painter->setPen(m_style.text);
  for (qsizetype i = 0; i < m_bars.categories.size(); ++i) {
    const QRectF place(kGap, area.top() + slotHeight() * static_cast<qreal>(i), width, slotHeight());
    painter->drawText(place, Qt::AlignRight | Qt::AlignVCenter | Qt::TextSingleLine,
                      metrics.elidedText(m_bars.categories[i], Qt::ElideMiddle, width));
  }
}

void BarLabels::paintFigures(QPainter* painter) const {
  const auto* series = static_cast<const QAbstractBarSeries*>(m_chart->series().constFirst());
  const auto groups = static_cast<qreal>(m_bars.groups.size());
  const qreal thickness = slotHeight() * series->barWidth() / groups;
  QFont font = painter->font();
  font.setPointSizeF(font.pointSizeF() * kFigureScale);
  painter->setFont(font);
  const QFontMetricsF metrics(font);
  if (thickness < metrics.capHeight() + 1)
    return;
  painter->setPen(m_style.faintText);
  for (size_t g = 0; g < m_bars.groups.size(); ++g) {
    const auto& values = m_bars.groups[g].values;
    for (size_t c = 0; c < values.size(); ++c) {
      const qreal middle = m_chart->plotArea().top() + slotHeight() * (static_cast<qreal>(c) + 0.5) +
                           thickness * (static_cast<qreal>(g) + 0.5 - groups / 2);
      const qreal end = m_chart->mapToPosition({values[c], 0}).x();
      painter->drawText(QPointF(end + 4, middle + metrics.capHeight() / 2),
                        QString::number(values[c], 'f', m_bars.decimals));
    }
  }
}

} // namespace nibblesmith::ui
