// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "export/gguf.hpp"

class QComboBox;
class QString;

namespace nibblesmith::ui {

/// The GGUF types, with the one that holds a grid of `bits` proposed. GUI thread.
QComboBox* makeGgufTypeCombo(double bits);
exporting::GgufType ggufTypeOf(const QComboBox& combo);
QString ggufTypeHint();

} // namespace nibblesmith::ui
