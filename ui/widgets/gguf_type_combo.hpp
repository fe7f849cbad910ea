// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "export/gguf.hpp"

class QComboBox;
class QString;

namespace nibblesmith::ui {

/// Returns a combo box of GGUF types that proposes the one for a grid of `bits`. GUI thread.
QComboBox* makeGgufTypeCombo(double bits);
exporting::GgufType ggufTypeOf(const QComboBox& combo);
QString ggufTypeHint();

} // namespace nibblesmith::ui
