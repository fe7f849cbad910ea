// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/json.hpp"

#include <QString>

class QWidget;

namespace nibblesmith::ui {

class Label;

/// Asks for a file and atomically writes the JSON to it. Returns the path; empty if the user cancelled, or if
/// the file could not be written, which `problem` then shows. GUI thread.
QString saveJsonAs(QWidget* parent, const QString& title, const QString& proposal, const QString& filter,
                   const base::Json& json, Label& problem);

} // namespace nibblesmith::ui
