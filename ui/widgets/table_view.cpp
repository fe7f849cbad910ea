// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/table_view.hpp"

#include <QApplication>
#include <QClipboard>
#include <QHeaderView>
#include <QKeyEvent>
#include <QStyle>

#include <algorithm>

namespace nibblesmith::ui {

TableView::TableView(QWidget* parent) : QTableView(parent) {
  setSelectionBehavior(QAbstractItemView::SelectRows);
  setSelectionMode(QAbstractItemView::ExtendedSelection);
  setEditTriggers(QAbstractItemView::NoEditTriggers);
  setAlternatingRowColors(true);
  setShowGrid(false);
  setWordWrap(false);
  setTabKeyNavigation(false);
  setHorizontalScrollMode(QAbstractItemView::ScrollPerPixel);
  verticalHeader()->hide();
  verticalHeader()->setDefaultSectionSize(fontMetrics().height() + 9);
  horizontalHeader()->setHighlightSections(false);
  horizontalHeader()->setSectionsMovable(true);
  // Columns are fitted to their titles only; the sorted one also needs space for the arrow.
  connect(horizontalHeader(), &QHeaderView::sortIndicatorChanged, this, [this](int column) {
    if (column >= 0 && !isColumnHidden(column))
      setColumnWidth(column, std::max(columnWidth(column), horizontalHeader()->sectionSizeHint(column)));
  });
}

void TableView::fitColumns(int wide) {
  if (!model())
    return;
  constexpr int kWidest = 360;
  horizontalHeader()->setResizeContentsPrecision(60);
  constexpr int kRoom = 10;
  ensurePolished();
  for (int column = 0; column < model()->columnCount(); ++column) {
    if (!isColumnHidden(column))
      setColumnWidth(column,
                     std::min(std::max(sizeHintForColumn(column), headerTextWidth(column)) + kRoom, kWidest));
    if (column == wide)
      horizontalHeader()->setSectionResizeMode(column, QHeaderView::Stretch);
  }
}

int TableView::headerTextWidth(int column) const {
  const QHeaderView* header = horizontalHeader();
  const int margin = style()->pixelMetric(QStyle::PM_HeaderMargin, nullptr, header);
  return header->fontMetrics().horizontalAdvance(model()->headerData(column, Qt::Horizontal).toString()) +
         2 * margin;
}

void TableView::copySelection() const {
  QStringList lines;
  QModelIndexList rows = selectionModel()->selectedRows();
  std::sort(rows.begin(), rows.end());
  for (const QModelIndex& row : rows) {
    QStringList cells;
    for (int visual = 0; visual < model()->columnCount(); ++visual) {
      const int column = horizontalHeader()->logicalIndex(visual);
      if (!isColumnHidden(column))
        cells << row.siblingAtColumn(column).data().toString();
    }
    lines << cells.join(QLatin1Char('\t'));
  }
  QApplication::clipboard()->setText(lines.join(QLatin1Char('\n')));
}

void TableView::keyPressEvent(QKeyEvent* event) {
  if (event->matches(QKeySequence::Copy)) {
    copySelection();
    return;
  }
  QTableView::keyPressEvent(event);
}

} // namespace nibblesmith::ui
