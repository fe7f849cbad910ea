// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/tool_tip_text.hpp"

#include "ui/session/text.hpp"

#include <QTextDocument>

namespace nibblesmith::ui {

QString toolTipText(const QString& text) {
  return text.isEmpty() ? QString() : Qt::convertFromPlainText(messageText(text), Qt::WhiteSpaceNormal);
}

} // namespace nibblesmith::ui
