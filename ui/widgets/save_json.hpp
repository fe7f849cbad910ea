// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/json.hpp"

#include <QString>

class QWidget;

namespace nibblesmith::ui {

class Label;

/// Asks for a file and writes the JSON into it, whole or not at all. The path, or nothing where the user gave
/// up or it could not be written, which `problem` then shows. GUI thread.
QString saveJsonAs(QWidget* parent, const QString& title, const QString& proposal, const QString& filter,
                   const base::Json& json, Label& problem);

} // namespace nibblesmith::ui
