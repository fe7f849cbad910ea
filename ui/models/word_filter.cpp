// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/word_filter.hpp"

#include "ui/models/record_model.hpp"

#include <QRegularExpression>

#include <algorithm>

namespace nibblesmith::ui {

WordFilter::WordFilter(QObject* parent) : QSortFilterProxyModel(parent) {
  setSortRole(kSortRole);
  setSortCaseSensitivity(Qt::CaseInsensitive);
}

void WordFilter::setFilterText(const QString& text) {
  static const QRegularExpression kSpaces(QStringLiteral("\\s+"));
  m_words = text.split(kSpaces, Qt::SkipEmptyParts);
  invalidateFilter();
}

bool WordFilter::filterAcceptsRow(int sourceRow, const QModelIndex& sourceParent) const {
  const int columns = sourceModel()->columnCount(sourceParent);
  return std::all_of(m_words.begin(), m_words.end(), [&](const QString& word) {
    for (int column = 0; column < columns; ++column) {
      const QModelIndex cell = sourceModel()->index(sourceRow, column, sourceParent);
      if (cell.data().toString().contains(word, Qt::CaseInsensitive))
        return true;
    }
    return false;
  });
}

bool WordFilter::lessThan(const QModelIndex& left, const QModelIndex& right) const {
  const bool hasLeft = left.data(kSortRole).isValid();
  const bool hasRight = right.data(kSortRole).isValid();
  if (hasLeft != hasRight)
    return hasLeft == (sortOrder() == Qt::AscendingOrder);
  return QSortFilterProxyModel::lessThan(left, right);
}

} // namespace nibblesmith::ui
