// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

class QWidget;

namespace nibblesmith::ui {

class Session;

/// Ask for a model directory or a GGUF file, and open it. GUI thread.
void openModelDirectory(Session& session, QWidget* parent);
void openModelFile(Session& session, QWidget* parent);

} // namespace nibblesmith::ui
