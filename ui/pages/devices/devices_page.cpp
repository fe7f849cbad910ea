// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/devices/devices_page.hpp"

#include "base/error.hpp"
#include "ui/models/number_text.hpp"
#include "ui/models/word_filter.hpp"
#include "ui/pages/devices/device_dialog.hpp"
#include "ui/pages/devices/device_facts.hpp"
#include "ui/pages/devices/roll_back_dialog.hpp"
#include "ui/session/session.hpp"
#include "ui/session/text.hpp"
#include "ui/widgets/artifact_dialogs.hpp"
#include "ui/widgets/card.hpp"
#include "ui/widgets/empty_state.hpp"
#include "ui/widgets/facts.hpp"
#include "ui/widgets/help.hpp"
#include "ui/widgets/label.hpp"
#include "ui/widgets/message_dialog.hpp"
#include "ui/widgets/probe_facts.hpp"
#include "ui/widgets/table_view.hpp"
#include "ui/widgets/tool_row.hpp"

#include <QAction>
#include <QBoxLayout>
#include <QHeaderView>
#include <QListWidget>
#include <QPushButton>
#include <QStackedLayout>

#include <algorithm>

namespace nibblesmith::ui {

namespace {
constexpr int kListWidth = 220;
}

DevicesPage::DevicesPage(Session& session, QWidget* parent)
    : QWidget(parent), m_session(session), m_results(deviceResultColumns()), m_filter(new WordFilter(this)) {
  m_filter->setSourceModel(&m_results);
  m_stack = new QStackedLayout(this);
  m_stack->addWidget(makeEmptyView());
  m_stack->addWidget(makeDevicesView());
  connect(&session.devices(), &DeviceStore::changed, this, &DevicesPage::onDevicesChanged);
  connect(&session.experiments(), &ExperimentStore::changed, this, &DevicesPage::showResults);
  connect(&session.queue(), &JobQueue::changed, this, &DevicesPage::onJobChanged);
  onDevicesChanged();
}

QWidget* DevicesPage::makeEmptyView() {
  const QString problem = m_session.devices().error();
  m_empty = new EmptyState(Icon::Devices, tr("No devices yet"),
                           problem.isEmpty()
                               ? tr("Add a board that is reached over SSH: push a model to it, measure it "
                                    "there, and compare it with the others.")
                               : tr("The list of devices could not be read. %1").arg(problem));
  QPushButton* add = m_empty->addButton(tr("Add a device…"), true);
  add->setObjectName(QStringLiteral("addFirstDevice"));
  add->setEnabled(problem.isEmpty());
  connect(add, &QPushButton::clicked, this, &DevicesPage::addDevice);
  return m_empty;
}

QWidget* DevicesPage::makeDevicesView() {
  auto* tools = new ToolRow(tr("Devices"));
  connect(tools->addAction(Icon::Add, tr("Add…"), tr("Add a device")), &QAction::triggered, this,
          &DevicesPage::addDevice);
  connect(tools->addAction(Icon::Edit, tr("Edit…"), tr("Change how the device is reached")),
          &QAction::triggered, this, &DevicesPage::editSelected);
  connect(tools->addAction(Icon::Remove, tr("Remove…"), tr("Take the device off this list")),
          &QAction::triggered, this, &DevicesPage::removeSelected);
  m_list = new QListWidget;
  m_list->setObjectName(QStringLiteral("devices"));
  m_list->setFixedWidth(kListWidth);
  m_list->setSpacing(1);
  connect(m_list, &QListWidget::currentRowChanged, this, &DevicesPage::showSelected);

  auto* columns = new QHBoxLayout;
  columns->setSpacing(kSpacing);
  columns->addWidget(m_list);
  columns->addWidget(makeDetails(), 1);
  auto* view = new QWidget;
  auto* layout = new QVBoxLayout(view);
  layout->setContentsMargins(kPageMargin, kPageMargin, kPageMargin, kPageMargin);
  layout->setSpacing(kSpacing);
  layout->addWidget(tools);
  layout->addLayout(columns, 1);
  return view;
}

QWidget* DevicesPage::makeDetails() {
  m_name = makeHeading({});
  const auto button = [](Icon name, const QString& text, const QString& toolTip) {
    auto* made = new QPushButton(icon(name), text);
    setHelp(made, toolTip);
    return made;
  };
  m_test = button(Icon::Test, tr("Test connection"), tr("Log in and read the device's properties"));
  m_test->setObjectName(QStringLiteral("testConnection"));
  m_deploy = button(Icon::Deploy, tr("Deploy…"), tr("Push an artifact to this device and measure it there"));
  m_rollBack = button(Icon::Back, tr("Roll back…"), tr("Switch back to the version before the current one"));
  m_rollBack->setObjectName(QStringLiteral("rollBack"));
  connect(m_test, &QPushButton::clicked, this, [this] {
    if (const auto device = selected())
      m_tests[toQString(std::string_view(device->name))] = m_session.probe(*device);
    showTest();
  });
  connect(m_deploy, &QPushButton::clicked, this, [this] {
    if (const auto device = selected())
      askToDeploy(m_session, 0, toQString(std::string_view(device->name)), this);
  });
  connect(m_rollBack, &QPushButton::clicked, this, &DevicesPage::rollBackSelected);
  auto* top = new QHBoxLayout;
  top->addWidget(m_name, 1);
  top->addWidget(m_test);
  top->addWidget(m_deploy);
  top->addWidget(m_rollBack);

  auto* access = new Card(tr("Access"));
  m_access = new Facts(1);
  access->body()->addWidget(m_access);
  access->body()->addStretch(1);
  m_probeCard = new Card(tr("What it is"));
  m_probe = new Facts(1);
  m_probeText = makeHint();
  m_probeCard->body()->addWidget(m_probe);
  m_probeCard->body()->addWidget(m_probeText);
  m_probeCard->body()->addStretch(1);
  auto* cards = new QHBoxLayout;
  cards->setSpacing(kSpacing);
  cards->addWidget(access, 1);
  cards->addWidget(m_probeCard, 1);

  auto* results = new Card(tr("Measured there"));
  m_noResults =
      makeHint(tr("Nothing yet. Deploy an artifact: its benchmark runs on the device and comes back here."));
  m_table = new TableView;
  m_table->setModel(m_filter);
  m_table->setSortingEnabled(true);
  m_table->horizontalHeader()->setSortIndicator(-1, Qt::AscendingOrder);
  results->body()->addWidget(m_noResults, 0, Qt::AlignTop);
  results->body()->addWidget(m_table, 1);

  auto* details = new QWidget;
  auto* layout = new QVBoxLayout(details);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(kSpacing);
  layout->addLayout(top);
  layout->addLayout(cards);
  layout->addWidget(results, 1);
  return details;
}

std::optional<devices::Device> DevicesPage::selected() const {
  const QListWidgetItem* item = m_list->currentItem();
  return item ? m_session.devices().device(item->data(Qt::UserRole).toString()) : std::nullopt;
}

void DevicesPage::onDevicesChanged() {
  const QString current =
      m_list->currentItem() ? m_list->currentItem()->data(Qt::UserRole).toString() : QString();
  {
    const QSignalBlocker blocker(m_list);
    m_list->clear();
    for (const devices::Device& device : m_session.devices().devices()) {
      const QString name = toQString(std::string_view(device.name));
      auto* item = new QListWidgetItem(icon(Icon::Devices), foreignText(name), m_list);
      item->setData(Qt::UserRole, name);
      setHelp(item, toQString(std::string_view(device.host)));
      item->setSizeHint(QSize(0, 34));
      if (name == current)
        m_list->setCurrentItem(item);
    }
    if (!m_list->currentItem() && m_list->count() > 0)
      m_list->setCurrentRow(0);
  }
  m_stack->setCurrentIndex(m_list->count() == 0 ? 0 : 1);
  showSelected();
}

void DevicesPage::showSelected() {
  const auto device = selected();
  if (!device)
    return;
  const QString name = toQString(std::string_view(device->name));
  m_name->setText(name);
  m_access->setFacts(accessFacts(*device));
  const auto probe = m_session.devices().probe(name);
  m_probe->setFacts(probe ? probeFacts(*probe) : std::vector<Fact>());
  showTest();
  showResults();
}

void DevicesPage::showTest() {
  const auto device = selected();
  if (!device)
    return;
  const QString name = toQString(std::string_view(device->name));
  const auto test = m_tests.find(name);
  const Job* job = test == m_tests.end() ? nullptr : m_session.queue().job(test->second);
  const bool isRunning = job && !job->ended();
  const bool hasFailed = job && job->state == JobState::Failed;
  const bool isKnown = m_session.devices().probe(name).has_value() && !isRunning && !hasFailed;
  m_test->setEnabled(!isRunning);
  m_probe->setVisible(isKnown);
  m_probeText->setVisible(!isKnown);
  m_probeText->setForegroundRole(QPalette::PlaceholderText);
  if (hasFailed)
    setProblemText(*m_probeText, job->error);
  else
    m_probeText->setText(isRunning ? tr("Connecting …") : tr("Not known yet: test the connection."));
}

void DevicesPage::showResults() {
  const auto device = selected();
  std::vector<ExperimentRow> rows;
  if (device)
    for (const ExperimentRow& row : m_session.experiments().rows())
      if (row.device == device->name)
        rows.push_back(row);
  m_noResults->setVisible(rows.empty());
  m_table->setVisible(!rows.empty());
  m_results.setRows(std::move(rows));
  m_table->fitColumns(1);
}

void DevicesPage::addDevice() {
  DeviceDialog dialog(m_session.devices(), {}, {}, this);
  if (dialog.exec() != QDialog::Accepted)
    return;
  const QString name = toQString(std::string_view(dialog.device().name));
  for (int row = 0; row < m_list->count(); ++row)
    if (m_list->item(row)->data(Qt::UserRole).toString() == name)
      m_list->setCurrentRow(row);
}

void DevicesPage::editSelected() {
  const auto device = selected();
  if (!device)
    return;
  DeviceDialog dialog(m_session.devices(), *device, toQString(std::string_view(device->name)), this);
  dialog.exec();
}

void DevicesPage::removeSelected() {
  const auto device = selected();
  if (!device)
    return;
  const QString name = toQString(std::string_view(device->name));
  if (!confirm(this, {tr("Remove a device"), tr("Take %1 off this list?").arg(foreignText(name)),
                      tr("Nothing is deleted on the device."), tr("Remove"), tr("Keep it")}))
    return;
  try {
    m_session.devices().remove(name);
  } catch (const base::Error& error) {
    showProblem(this, tr("Remove a device"), toQString(std::string_view(error.what())));
  }
}

void DevicesPage::rollBackSelected() {
  const auto device = selected();
  if (!device)
    return;
  RollBackDialog dialog(m_session, *device, this);
  if (dialog.exec() != QDialog::Accepted)
    return;
  m_session.rollBack(*device, dialog.version(), dialog.versionTitle());
  emit m_session.pageRequested(Page::Queue);
}

void DevicesPage::onJobChanged(quint64 id) {
  if (std::any_of(m_tests.begin(), m_tests.end(), [id](const auto& test) { return test.second == id; }))
    showTest();
}

} // namespace nibblesmith::ui
