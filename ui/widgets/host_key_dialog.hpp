// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/session/host_key_prompt.hpp"
#include "ui/widgets/message_dialog.hpp"

namespace nibblesmith::ui {

/// Dialog that shows the fingerprint of an unknown host key and asks if it should be trusted. Answers the
/// prompt and deletes itself when closed; closes itself if no worker waits any more. GUI thread; open() does
/// not block.
class HostKeyDialog : public MessageDialog {
  Q_OBJECT

public:
  HostKeyDialog(HostKeyPrompt& prompt, quint64 question, const devices::HostKey& key,
                QWidget* parent = nullptr);
};

} // namespace nibblesmith::ui
