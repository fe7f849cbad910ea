// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QAbstractItemModel>
#include <QString>

#include <vector>

namespace nibblesmith::ui {

/// Returns the given columns of all rows, in the model's order, as CSV (RFC 4180) with a header of column
/// keys. Numbers have full precision; cells without a value are empty.
QString toCsv(const QAbstractItemModel& model, const std::vector<int>& columns);

} // namespace nibblesmith::ui
