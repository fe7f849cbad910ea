// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QStyledItemDelegate>

namespace nibblesmith::ui {

/// Draws a job's state: a bar with its stage and percentage while it runs, else a word. Reads JobModel's
/// roles.
class ProgressDelegate : public QStyledItemDelegate {
  Q_OBJECT

public:
  using QStyledItemDelegate::QStyledItemDelegate;
  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override;
};

} // namespace nibblesmith::ui
