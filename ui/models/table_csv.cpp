// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/table_csv.hpp"

#include "ui/models/record_model.hpp"

#include <QStringList>

namespace nibblesmith::ui {

namespace {

QString quoted(QString text) {
  if (!text.contains(QLatin1Char(',')) && !text.contains(QLatin1Char('"')) &&
      !text.contains(QLatin1Char('\n')))
    return text;
  return QLatin1Char('"') + text.replace(QLatin1Char('"'), QStringLiteral("\"\"")) + QLatin1Char('"');
}

QString cellText(const QModelIndex& cell) {
  const QVariant value = cell.data(kSortRole);
  if (value.typeId() == QMetaType::Double)
    return QString::number(value.toDouble(), 'g', 12);
  return value.toString();
}

} // namespace

QString toCsv(const QAbstractItemModel& model, const std::vector<int>& columns) {
  QString csv;
  QStringList line;
  for (const int column : columns)
    line << quoted(model.headerData(column, Qt::Horizontal, kColumnKeyRole).toString());
  csv += line.join(QLatin1Char(',')) + QLatin1Char('\n');
  for (int row = 0; row < model.rowCount(); ++row) {
    line.clear();
    for (const int column : columns)
      line << quoted(cellText(model.index(row, column)));
    csv += line.join(QLatin1Char(',')) + QLatin1Char('\n');
  }
  return csv;
}

} // namespace nibblesmith::ui
