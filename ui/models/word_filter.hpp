// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QSortFilterProxyModel>
#include <QStringList>

namespace nibblesmith::ui {

/// Proxy model that keeps rows in which every word of the filter occurs in some column, ignoring case. Sorts
/// by the value behind the text; rows without a value are last in either order. GUI thread.
class WordFilter : public QSortFilterProxyModel {
  Q_OBJECT

public:
  explicit WordFilter(QObject* parent = nullptr);
  void setFilterText(const QString& text);

protected:
  bool filterAcceptsRow(int sourceRow, const QModelIndex& sourceParent) const override;
  bool lessThan(const QModelIndex& left, const QModelIndex& right) const override;

private:
  QStringList m_words;
};

} // namespace nibblesmith::ui
