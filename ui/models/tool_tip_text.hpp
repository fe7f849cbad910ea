// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

namespace nibblesmith::ui {

/// Converts plain text to an HTML tool tip without tags from the text; empty for empty text. HTML is needed
/// because Qt wraps only HTML tool tips, and treats text that looks like HTML as HTML. For Qt::ToolTipRole;
/// use setHelp() for widgets.
QString toolTipText(const QString& text);

} // namespace nibblesmith::ui
