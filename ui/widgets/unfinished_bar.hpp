// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QFrame>

namespace nibblesmith::ui {

class Label;
class Session;

/// Bar above the pages, visible while there are jobs that an earlier program start did not finish. The user
/// can resume them, discard them, or be asked again at the next start. GUI thread.
class UnfinishedBar : public QFrame {
  Q_OBJECT

public:
  explicit UnfinishedBar(Session& session, QWidget* parent = nullptr);

  /// Finds unfinished jobs; becomes visible if there are some.
  void look();

private:
  void resume();
  void discard();

  Session& m_session;
  Label* m_text;
  Label* m_names;
};

} // namespace nibblesmith::ui
