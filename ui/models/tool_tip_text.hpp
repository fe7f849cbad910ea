// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

namespace nibblesmith::ui {

/// Plain text as a tool tip shows it: Qt wraps tool tips only where they are HTML, and takes text that looks
/// like HTML for it. So all of ours are HTML without any tags from the text. Empty for an empty text. For
/// Qt::ToolTipRole; setHelp() does it for widgets.
QString toolTipText(const QString& text);

} // namespace nibblesmith::ui
