// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QStyledItemDelegate>

namespace nibblesmith::ui {

/// Delegate that draws a job's state: a bar with stage and percentage while it runs, otherwise a word. Reads
/// the roles of JobModel.
class ProgressDelegate : public QStyledItemDelegate {
  Q_OBJECT

public:
  using QStyledItemDelegate::QStyledItemDelegate;
  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override;
};

} // namespace nibblesmith::ui
