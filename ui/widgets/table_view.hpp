// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QTableView>

namespace nibblesmith::ui {

/// A table as all our tables look and behave: whole rows selected, sorted by header, thin lines, Ctrl+C
/// copies the selected rows as tab-separated text. GUI thread.
class TableView : public QTableView {
  Q_OBJECT

public:
  explicit TableView(QWidget* parent = nullptr);
  /// As wide as their contents, within bounds; the column `wide` takes what is left.
  void fitColumns(int wide = -1);
  void copySelection() const;

protected:
  void keyPressEvent(QKeyEvent* event) override;

private:
  int headerTextWidth(int column) const;
};

} // namespace nibblesmith::ui
