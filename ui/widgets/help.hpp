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

/// Text from outside on a button or in a menu, where "&" marks a letter.
QString captionText(const QString& text);

} // namespace nibblesmith::ui
