// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/models/tool_tip_text.hpp"

#include <QString>

namespace nibblesmith::ui {

/// Sets the tool tip of a widget, an action or an item: plain text, wrapped.
template <typename Target>
void setHelp(Target* target, const QString& text) {
  target->setToolTip(toolTipText(text));
}

/// Escapes "&" in foreign text for a button or a menu, where it marks a shortcut key.
QString captionText(const QString& text);

} // namespace nibblesmith::ui
