// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/charts/chart_panel.hpp"

#include "ui/widgets/label.hpp"

#include <QChart>
#include <QChartView>
#include <QEvent>
#include <QFrame>
#include <QGridLayout>
#include <QStackedLayout>
#include <QVBoxLayout>

#include <algorithm>

namespace nibblesmith::ui {

namespace {

constexpr int kSmallestWidth = 300;
constexpr int kSmallestHeight = 190;
constexpr int kFrameHeight = 84; ///< title, axis and legend
constexpr int kHintMargin = 24;
constexpr int kRowHeight = 18; ///< prevents overlap of bar names

int heightFor(size_t rows) {
  return std::max(kSmallestHeight,
                  kFrameHeight + kRowHeight * static_cast<int>(std::min(rows, kMostChartRows)));
}

} // namespace

ChartPanel::ChartPanel(QWidget* parent) : QWidget(parent) {
  auto* grid = new QGridLayout(this);
  grid->setContentsMargins(0, 0, 0, 0);
  grid->setSpacing(8);
  for (size_t i = 0; i < m_cells.size(); ++i) {
    auto* frame = new QFrame;
    frame->setFrameShape(QFrame::StyledPanel);
    frame->setBackgroundRole(QPalette::Base);
    frame->setAutoFillBackground(true);
    Cell& cell = m_cells[i];
    cell.frame = frame;
    cell.stack = new QStackedLayout(frame);
    makeHint(cell);
    cell.view = new QChartView;
    cell.view->setRenderHint(QPainter::Antialiasing);
    cell.view->setFrameShape(QFrame::NoFrame);
    cell.view->setAcceptDrops(false); // otherwise the view would swallow drops that are meant for the window
    cell.view->setAccessibleName(chartTitle(kAllCharts[i]));
    cell.stack->addWidget(cell.hint);
    cell.stack->addWidget(cell.view);
    grid->addWidget(frame, static_cast<int>(i / 2), static_cast<int>(i % 2));
  }
  grid->setColumnStretch(0, 1);
  grid->setColumnStretch(1, 1);
  rebuild();
}

void ChartPanel::makeHint(Cell& cell) {
  cell.hint = new QWidget;
  cell.hintTitle = new Label;
  cell.hintText = new Label;
  QFont bold = cell.hintTitle->font();
  bold.setBold(true);
  cell.hintTitle->setFont(bold);
  cell.hintText->setForegroundRole(QPalette::PlaceholderText);
  auto* layout = new QVBoxLayout(cell.hint);
  layout->setContentsMargins(kHintMargin, kHintMargin, kHintMargin, kHintMargin);
  layout->addStretch(1);
  for (Label* label : {cell.hintTitle, cell.hintText}) {
    label->setAlignment(Qt::AlignCenter);
    label->setWordWrap(true);
    layout->addWidget(label);
  }
  layout->addStretch(1);
}

void ChartPanel::show(const ChartRows& rows, const QString& dataset) {
  m_rows = rows;
  m_dataset = dataset;
  rebuild();
}

ChartStyle ChartPanel::style() const { return chartStyleOf(palette()); }

void ChartPanel::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() == QEvent::PaletteChange)
    rebuild();
}

void ChartPanel::rebuild() {
  for (size_t i = 0; i < m_cells.size(); ++i) {
    const ChartKind kind = kAllCharts[i];
    const Cell& cell = m_cells[i];
    const bool hasData = hasChartData(kind, m_rows, m_dataset);
    if (hasData) {
      const std::unique_ptr<QChart> old(cell.view->chart());
      cell.view->setBackgroundBrush(style().background);
      cell.view->setChart(makeChart(kind, m_rows, style(), m_dataset).release());
    } else {
      cell.hintTitle->setText(chartTitle(kind));
      cell.hintText->setText(chartHint(kind));
    }
    cell.stack->setCurrentIndex(hasData ? 1 : 0);
    cell.frame->setMinimumSize(kSmallestWidth, heightFor(m_rows.size()));
  }
}

} // namespace nibblesmith::ui
