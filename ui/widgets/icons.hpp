// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QIcon>

namespace nibblesmith::ui {

enum class Icon {
  Models,
  Recipe,
  Queue,
  Experiments,
  Devices,
  Open,
  Save,
  Add,
  Remove,
  Edit,
  Cancel,
  Retry,
  Clear,
  Filter,
  Columns,
  Export,
  Deploy,
  Play,
  Test,
  Back,
  Up,
  Evaluate,
  Measure,
  Question,
  Problem,
};

/// Returns a line drawing on a grid of 24 by 24 in the palette's text colour; scalable, and correct in both
/// themes.
QIcon icon(Icon name);

/// Returns the program's icon: a hammered nibble, four bars on a dark tile.
QIcon applicationIcon();

} // namespace nibblesmith::ui
