// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QFrame>

namespace nibblesmith::ui {

class Label;
class Session;

/// A bar above the pages while there are jobs that an earlier start of the program did not finish: resume
/// them, discard them, or be asked at the next start again. GUI thread.
class UnfinishedBar : public QFrame {
  Q_OBJECT

public:
  explicit UnfinishedBar(Session& session, QWidget* parent = nullptr);

  /// Looks for unfinished jobs; shows itself where there are some.
  void look();

private:
  void resume();
  void discard();

  Session& m_session;
  Label* m_text;
  Label* m_names;
};

} // namespace nibblesmith::ui
