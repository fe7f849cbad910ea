// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace nibblesmith::ui {

class EmptyState;
class Session;

/// Adds a button to an empty page that opens the experiment log of `./nib demo` and shows its page. Hidden if
/// there is no such log, or if it is open. GUI thread.
void addDemoResultsButton(EmptyState& page, Session& session);

} // namespace nibblesmith::ui
