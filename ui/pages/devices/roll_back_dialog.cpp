// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/devices/roll_back_dialog.hpp"

#include "devices/device.hpp"
#include "ui/models/number_text.hpp"
#include "ui/session/session.hpp"
#include "ui/session/text.hpp"
#include "ui/widgets/card.hpp"
#include "ui/widgets/facts.hpp"
#include "ui/widgets/label.hpp"

#include <QPushButton>
#include <QVBoxLayout>

namespace nibblesmith::ui {

namespace {

constexpr int kWidth = 560;

QString titleOf(const workflow::DeployedVersion& version) {
  if (version.artifact.empty())
    return RollBackDialog::tr("version %1").arg(foreignText(version.installed.name));
  if (version.model.empty() || version.model == version.artifact)
    return foreignText(version.artifact);
  return QStringLiteral("%1, %2").arg(foreignText(version.model), foreignText(version.artifact));
}

std::vector<Fact> factsOf(const workflow::DeployedVersion& version) {
  std::vector<Fact> facts = {{RollBackDialog::tr("Artifact"),
                              version.artifact.empty()
                                  ? RollBackDialog::tr("not known: it was deployed from another log")
                                  : titleOf(version),
                              {}}};
  if (version.run)
    facts.push_back({RollBackDialog::tr("Run"), QString::number(*version.run),
                     RollBackDialog::tr("Its number in the experiment log")});
  if (!version.deployedAt.empty())
    facts.push_back({RollBackDialog::tr("Deployed"), localTimeText(version.deployedAt),
                     RollBackDialog::tr("For the first time, local time")});
  facts.push_back({RollBackDialog::tr("Version"), toQString(std::string_view(version.installed.name)),
                   RollBackDialog::tr("Its folder on the device")});
  if (version.installed.sizeBytes > 0)
    facts.push_back({RollBackDialog::tr("Size"), bytesText(version.installed.sizeBytes), {}});
  return facts;
}

} // namespace

RollBackDialog::RollBackDialog(Session& session, const devices::Device& device, QWidget* parent)
    : Dialog(tr("Roll back"), parent), m_text(new Label), m_details(new QWidget), m_current(new Facts(1)),
      m_previous(new Facts(1)), m_note(makeHint()),
      m_act(addButton(tr("Roll back"), QDialogButtonBox::AcceptRole)) {
  setMinimumWidth(kWidth);
  QFont bold = m_text->font();
  bold.setBold(true);
  m_text->setFont(bold);
  m_text->setWordWrap(true);
  m_text->setText(tr("Asking %1 what it runs …").arg(foreignText(device.name)));
  auto* current = new Card(tr("Runs now"));
  current->body()->addWidget(m_current);
  auto* previous = new Card(tr("Goes back to"));
  previous->setObjectName(QStringLiteral("target"));
  previous->body()->addWidget(m_previous);
  auto* cards = new QVBoxLayout(m_details);
  cards->setContentsMargins(0, 0, 0, 0);
  cards->setSpacing(kSpacing);
  cards->addWidget(current);
  cards->addWidget(previous);
  m_details->hide();
  m_note->hide();
  body()->addWidget(m_text);
  body()->addWidget(m_details);
  body()->addWidget(m_note);
  m_act->setObjectName(QStringLiteral("act"));
  m_act->setEnabled(false);
  QPushButton* keep = addButton(tr("Leave it as it is"), QDialogButtonBox::RejectRole);
  keep->setObjectName(QStringLiteral("keep"));
  keep->setDefault(true);
  connect(&m_task, &LatestTask::done, this, [this, name = foreignText(device.name)](const std::any& answer) {
    m_versions = std::any_cast<const workflow::DeployedVersions&>(answer);
    m_text->setText(m_versions.previous ? tr("Roll %1 back?").arg(name)
                                        : tr("%1 has no version to go back to.").arg(name));
    showVersions(m_versions);
  });
  connect(&m_task, &LatestTask::failed, this,
          [this](const QString& error) { setProblemText(*m_text, error); });
  ask(session, device);
}

void RollBackDialog::ask(Session& session, const devices::Device& device) {
  m_task.start([&session, device, call = session.calls().deployedVersions,
                services = session.services()](const std::stop_token& stop) -> std::any {
    return call(session.accessTo(device, stop), services, stop);
  });
}

void RollBackDialog::showVersions(const workflow::DeployedVersions& versions) {
  m_current->setFacts(versions.current ? factsOf(*versions.current)
                                       : std::vector<Fact>{{tr("Artifact"), tr("nothing is deployed"), {}}});
  m_previous->setFacts(versions.previous ? factsOf(*versions.previous) : std::vector<Fact>());
  auto* target = findChild<Card*>(QStringLiteral("target"));
  target->setVisible(versions.previous.has_value());
  m_details->setVisible(versions.current.has_value());
  if (versions.previousIsNewer()) {
    target->setTitle(tr("Goes forward to"));
    m_act->setText(tr("Go forward"));
    m_note->setText(tr("The version that it would switch to was deployed after the one that runs now: the "
                       "device was rolled back before."));
  } else {
    m_note->setText(tr("The version that runs now stays on the device."));
  }
  m_note->setVisible(versions.previous.has_value());
  m_act->setEnabled(versions.previous.has_value());
  adjustSize();
}

std::string RollBackDialog::version() const {
  return m_versions.previous ? m_versions.previous->installed.name : std::string();
}

QString RollBackDialog::versionTitle() const {
  return m_versions.previous ? titleOf(*m_versions.previous) : QString();
}

} // namespace nibblesmith::ui
