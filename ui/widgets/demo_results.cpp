// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/demo_results.hpp"

#include "ui/session/session.hpp"
#include "ui/widgets/empty_state.hpp"
#include "ui/widgets/help.hpp"

#include <QCoreApplication>
#include <QPushButton>

namespace nibblesmith::ui {

void addDemoResultsButton(EmptyState& page, Session& session) {
  QPushButton* button = page.addButton(QCoreApplication::translate("DemoResults", "Show the demo's results"));
  button->setObjectName(QStringLiteral("demoResults"));
  setHelp(button, QCoreApplication::translate(
                      "DemoResults", "Opens the experiment log of './nib demo'; your own stays as it is"));
  const auto update = [button, &session] {
    const std::filesystem::path demo = session.logs().demo();
    button->setVisible(!demo.empty() && demo != session.paths().log);
  };
  QObject::connect(button, &QPushButton::clicked, &session, [&session] {
    session.openLog(session.logs().demo());
    emit session.pageRequested(Page::Experiments);
  });
  QObject::connect(&session, &Session::logChanged, button, update);
  update();
}

} // namespace nibblesmith::ui
