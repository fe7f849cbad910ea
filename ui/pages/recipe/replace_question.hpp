// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

class QWidget;

namespace nibblesmith::ui {

/// What to do where an artifact is in the way of another.
enum class Replacing { Cancel, KeepBoth, Replace };

/// Asks before an artifact is replaced. name: of what is there; empty where it is not known. Nothing is
/// replaced by Enter or Escape. GUI thread.
Replacing askToReplace(const QString& folder, const QString& name, QWidget* parent);

} // namespace nibblesmith::ui
