// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/filter_edit.hpp"
#include "ui/widgets/help.hpp"

#include "ui/models/word_filter.hpp"
#include "ui/widgets/icons.hpp"

namespace nibblesmith::ui {

namespace {
constexpr int kWidth = 260;
constexpr int kSmallestWidth = 110;
} // namespace

FilterEdit::FilterEdit(WordFilter& filter, const QString& placeholder, QWidget* parent) : QLineEdit(parent) {
  setPlaceholderText(placeholder);
  setClearButtonEnabled(true);
  setAcceptDrops(false); // the window handles dropped models; a line edit would insert the URL as text
  setMinimumWidth(kSmallestWidth);
  setMaximumWidth(kWidth);
  addAction(icon(Icon::Filter), QLineEdit::LeadingPosition);
  setHelp(this, tr("Rows in which every word occurs in some column (Ctrl+F)"));
  connect(this, &QLineEdit::textChanged, &filter, &WordFilter::setFilterText);
}

QSize FilterEdit::sizeHint() const { return {kWidth, QLineEdit::sizeHint().height()}; }

} // namespace nibblesmith::ui
