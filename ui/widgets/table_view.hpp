// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QTableView>

namespace nibblesmith::ui {

/// Table in the common style: selects whole rows, sorts by header, has thin lines; Ctrl+C copies the selected
/// rows as tab-separated text. GUI thread.
class TableView : public QTableView {
  Q_OBJECT

public:
  explicit TableView(QWidget* parent = nullptr);
  /// Fits the columns to their contents, within bounds; the column `wide` takes the remaining width.
  void fitColumns(int wide = -1);
  void copySelection() const;

protected:
  void keyPressEvent(QKeyEvent* event) override;

private:
  int headerTextWidth(int column) const;
};

} // namespace nibblesmith::ui
