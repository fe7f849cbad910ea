// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QTabBar>

namespace nibblesmith::ui {

class Session;

/// The experiment logs of the user, one tab each; hidden where there is only one. GUI thread.
class LogTabs : public QTabBar {
  Q_OBJECT

public:
  explicit LogTabs(Session& session, QWidget* parent = nullptr);

protected:
  /// Another log is opened by a click or a key, not by scrolling over it.
  void wheelEvent(QWheelEvent* event) override;

private:
  void list();
  void openTab(int tab);

  Session& m_session;
};

} // namespace nibblesmith::ui
