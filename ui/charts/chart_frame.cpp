// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/charts/chart_frame.hpp"

#include "ui/session/text.hpp"

#include <QAbstractAxis>
#include <QChart>
#include <QGraphicsLayout>
#include <QGuiApplication>
#include <QLegend>
#include <QPen>

#include <algorithm>
#include <cmath>

namespace nibblesmith::ui {

std::unique_ptr<QChart> makeStyledChart(const ChartStyle& style) {
  auto chart = std::make_unique<QChart>();
  QFont title = QGuiApplication::font();
  title.setBold(true);
  chart->setTitleFont(title);
  chart->setTitleBrush(style.text);
  chart->setBackgroundBrush(style.background);
  chart->setBackgroundRoundness(0);
  // The margins of the style would take a fifth of a small chart's height.
  chart->layout()->setContentsMargins(0, 0, 0, 0);
  chart->setMargins({8, 4, 12, 4});
  chart->legend()->setAlignment(Qt::AlignBottom);
  chart->legend()->setLabelColor(style.text);
  chart->legend()->setFont(QGuiApplication::font());
  chart->legend()->layout()->setContentsMargins(0, 0, 0, 0);
  chart->legend()->setMarkerShape(QLegend::MarkerShapeRectangle);
  return chart;
}

QString chartText(const QString& text) { return foreignText(text).toHtmlEscaped(); }

void styleAxis(QAbstractAxis& axis, const ChartStyle& style) {
  axis.setLabelsColor(style.text);
  axis.setLabelsFont(QGuiApplication::font());
  axis.setTitleFont(QGuiApplication::font());
  axis.setTitleBrush(style.faintText);
  axis.setLinePen(QPen(style.grid, 1));
  axis.setGridLinePen(QPen(style.grid, 1));
}

double niceStep(double range, int steps) {
  if (!(range > 0) || steps < 1)
    return 1;
  const double rough = range / steps;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  const double leading = rough / power;
  const double nice = leading <= 1 ? 1 : leading <= 2 ? 2 : leading <= 5 ? 5 : 10;
  return nice * power;
}

int decimalsOf(double step) {
  return std::clamp(static_cast<int>(-std::floor(std::log10(step) + 1e-9)), 0, 6);
}

} // namespace nibblesmith::ui
