// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QAbstractItemModel>
#include <QString>

#include <vector>

namespace nibblesmith::ui {

/// The model's rows in their order, the given columns, as CSV (RFC 4180) with a header of column keys;
/// numbers in full precision, cells without a value empty.
QString toCsv(const QAbstractItemModel& model, const std::vector<int>& columns);

} // namespace nibblesmith::ui
