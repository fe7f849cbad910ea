// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/experiments/log_tabs.hpp"

#include "ui/models/tool_tip_text.hpp"
#include "ui/session/session.hpp"
#include "ui/session/text.hpp"
#include "ui/widgets/help.hpp"

#include <QSignalBlocker>

namespace nibblesmith::ui {

LogTabs::LogTabs(Session& session, QWidget* parent) : QTabBar(parent), m_session(session) {
  setObjectName(QStringLiteral("logs"));
  setDocumentMode(true);
  setExpanding(false);
  setDrawBase(false);
  setElideMode(Qt::ElideMiddle);
  connect(this, &QTabBar::currentChanged, this, &LogTabs::openTab);
  connect(&session, &Session::logChanged, this, &LogTabs::list);
  connect(&session, &Session::logFailed, this, &LogTabs::list);
  list();
}

void LogTabs::list() {
  const QSignalBlocker silent(this);
  while (count() > 0)
    removeTab(0);
  for (const KnownLogs::Log& log : m_session.logs().list(m_session.paths().log)) {
    const QString path = toQString(log.path);
    const int tab = addTab(captionText(log.name));
    setTabData(tab, path);
    setTabToolTip(tab, toolTipText(path));
    if (log.path == m_session.paths().log)
      setCurrentIndex(tab);
  }
  setVisible(count() > 1);
}

void LogTabs::openTab(int tab) {
  if (tab >= 0)
    m_session.openLog(toPath(tabData(tab).toString()));
}

} // namespace nibblesmith::ui
