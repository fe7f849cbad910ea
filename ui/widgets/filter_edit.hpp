// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QLineEdit>

namespace nibblesmith::ui {

class WordFilter;

/// Search field of a table. GUI thread.
class FilterEdit : public QLineEdit {
  Q_OBJECT

public:
  FilterEdit(WordFilter& filter, const QString& placeholder, QWidget* parent = nullptr);
  QSize sizeHint() const override;
};

} // namespace nibblesmith::ui
