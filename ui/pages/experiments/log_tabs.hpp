// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QTabBar>

namespace nibblesmith::ui {

class Session;

/// Tab bar with one tab per experiment log of the user; hidden if there is only one. GUI thread.
class LogTabs : public QTabBar {
  Q_OBJECT

public:
  explicit LogTabs(Session& session, QWidget* parent = nullptr);

private:
  void list();
  void openTab(int tab);

  Session& m_session;
};

} // namespace nibblesmith::ui
