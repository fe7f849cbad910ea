// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/help.hpp"

#include "ui/session/text.hpp"

namespace nibblesmith::ui {

QString captionText(const QString& text) {
  return foreignText(text).replace(QLatin1Char('&'), QStringLiteral("&&"));
}

} // namespace nibblesmith::ui
