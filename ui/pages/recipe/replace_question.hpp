// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

class QWidget;

namespace nibblesmith::ui {

/// Answer to the question about an existing artifact in the output folder.
enum class Replacing { Cancel, KeepBoth, Replace };

/// Asks before an artifact is replaced. name: of the existing artifact; empty if unknown. Enter and Escape
/// never replace it. GUI thread.
Replacing askToReplace(const QString& folder, const QString& name, QWidget* parent);

} // namespace nibblesmith::ui
