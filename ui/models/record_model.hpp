// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/models/tool_tip_text.hpp"
#include "ui/session/text.hpp"

#include <QAbstractTableModel>
#include <QString>
#include <QVariant>

#include <functional>
#include <utility>
#include <vector>

namespace nibblesmith::ui {

/// Role of the value used for sorting and CSV files: the number behind a cell's text; invalid if there is
/// none.
inline constexpr int kSortRole = Qt::UserRole + 1;
/// Role of headerData for the column's key, which is stable and used in settings.
inline constexpr int kColumnKeyRole = Qt::UserRole + 2;

/// Column of a table of records.
template <typename Row>
struct Column {
  QString key;
  QString title;
  QString help; ///< tooltip of the header, with the unit
  bool isNumber = false;
  std::function<QString(const Row&)> text;
  std::function<QVariant(const Row&)> sortValue; ///< empty: sort by the text
  std::function<QString(const Row&)> toolTip;    ///< empty: show the text
};

/// Read-only table model of a vector of records; cells are shown as foreignText(). GUI thread.
template <typename Row>
class RecordModel : public QAbstractTableModel {
public:
  explicit RecordModel(std::vector<Column<Row>> columns, QObject* parent = nullptr)
      : QAbstractTableModel(parent), m_columns(std::move(columns)) {}

  void setRows(std::vector<Row> rows) {
    beginResetModel();
    m_rows = std::move(rows);
    endResetModel();
  }
  const std::vector<Row>& rows() const { return m_rows; }
  const Row& row(int index) const { return m_rows.at(static_cast<size_t>(index)); }
  const std::vector<Column<Row>>& columns() const { return m_columns; }

  int rowCount(const QModelIndex& parent = {}) const override {
    return parent.isValid() ? 0 : static_cast<int>(m_rows.size());
  }
  int columnCount(const QModelIndex& parent = {}) const override {
    return parent.isValid() ? 0 : static_cast<int>(m_columns.size());
  }

  QVariant data(const QModelIndex& index, int role) const override {
    if (!checkIndex(index, CheckIndexOption::IndexIsValid))
      return {};
    const Column<Row>& column = m_columns[static_cast<size_t>(index.column())];
    const Row& record = m_rows[static_cast<size_t>(index.row())];
    switch (role) {
    case Qt::DisplayRole:
      return foreignText(column.text(record));
    case Qt::ToolTipRole:
      return toolTipText(column.toolTip ? column.toolTip(record) : column.text(record));
    case Qt::TextAlignmentRole:
      return alignment(column);
    case kSortRole:
      return column.sortValue ? column.sortValue(record) : QVariant(column.text(record));
    default:
      return {};
    }
  }

  QVariant headerData(int section, Qt::Orientation orientation, int role) const override {
    if (orientation != Qt::Horizontal || section < 0 || section >= columnCount())
      return QAbstractTableModel::headerData(section, orientation, role);
    const Column<Row>& column = m_columns[static_cast<size_t>(section)];
    switch (role) {
    case Qt::DisplayRole:
      return column.title;
    case Qt::ToolTipRole:
      return toolTipText(column.help);
    case Qt::TextAlignmentRole:
      return alignment(column);
    case kColumnKeyRole:
      return column.key;
    default:
      return {};
    }
  }

private:
  static QVariant alignment(const Column<Row>& column) {
    const auto horizontal = column.isNumber ? Qt::AlignRight : Qt::AlignLeft;
    return static_cast<int>(horizontal | Qt::AlignVCenter);
  }

  std::vector<Column<Row>> m_columns;
  std::vector<Row> m_rows;
};

} // namespace nibblesmith::ui
