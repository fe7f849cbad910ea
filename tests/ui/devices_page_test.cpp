// SPDX-License-Identifier: GPL-3.0-or-later
#include "fakes.hpp"

#include "devices/device.hpp"
#include "experiments/experiment_log.hpp"
#include "export/gguf.hpp"
#include "nib_test.hpp"
#include "ui/pages/devices/device_dialog.hpp"
#include "ui/pages/devices/devices_page.hpp"
#include "ui/pages/devices/roll_back_dialog.hpp"
#include "ui/widgets/deploy_dialog.hpp"
#include "ui/widgets/host_key_dialog.hpp"
#include "ui/widgets/table_view.hpp"

#include <QComboBox>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QPushButton>
#include <QTest>

namespace nibblesmith::ui {

class DevicesPageTest : public QObject {
  Q_OBJECT

private slots:
  void init();
  void addsADevice();
  void refusesADeviceWithoutAHost();
  void refusesANameThatIsTaken();
  void renamesADevice();
  void testsTheConnectionAndShowsWhatItIs();
  void showsATestAtItsOwnDevice();
  void showsAFingerprintBeforeItIsTrusted_data();
  void showsAFingerprintBeforeItIsTrusted();
  void showsWhatWasMeasuredThere();
  void proposesATypeForTheArtifact();
  void saysWhatARollBackGoesBackTo();
  void saysWhereARollBackGoesForward();
  void rollsBackToWhatWasShownOnly();

private:
  bool shows(const QString& text) const;
  void add(const char* name);

  std::unique_ptr<test::FakeSession> m_fake;
  std::unique_ptr<DevicesPage> m_page;
};

void DevicesPageTest::init() {
  m_page.reset();
  m_fake = std::make_unique<test::FakeSession>();
  m_page = std::make_unique<DevicesPage>(m_fake->start());
  m_page->resize(1100, 700);
  m_page->show();
}

bool DevicesPageTest::shows(const QString& text) const {
  const auto labels = m_page->findChildren<QLabel*>();
  return std::any_of(labels.begin(), labels.end(),
                     [&](const QLabel* label) { return label->isVisible() && label->text().contains(text); });
}

void DevicesPageTest::add(const char* name) {
  devices::Device device;
  device.name = name;
  device.host = "192.0.2.7";
  m_fake->session->devices().put(device);
}

void DevicesPageTest::addsADevice() {
  QVERIFY(shows(QStringLiteral("No devices yet")));
  QTimer::singleShot(0, this, [] {
    auto* dialog = qobject_cast<DeviceDialog*>(QApplication::activeModalWidget());
    QVERIFY(dialog);
    QTest::keyClicks(dialog->findChild<QLineEdit*>(QStringLiteral("deviceName")), QStringLiteral("Pi 4"));
    QTest::keyClicks(dialog->findChild<QLineEdit*>(QStringLiteral("deviceHost")), QStringLiteral("pi.local"));
    QTest::mouseClick(dialog->actionButton(), Qt::LeftButton);
  });
  QTest::mouseClick(m_page->findChild<QPushButton*>(QStringLiteral("addFirstDevice")), Qt::LeftButton);
  QCOMPARE(m_page->list()->count(), 1);
  NIB_WAIT(shows(QStringLiteral("pi.local, port 22")));
  const DeviceStore again(m_fake->directory.filePath(QStringLiteral("devices.json")).toStdString());
  QCOMPARE(again.devices().size(), size_t(1));
}

void DevicesPageTest::refusesADeviceWithoutAHost() {
  DeviceDialog dialog(m_fake->session->devices(), {}, {});
  dialog.findChild<QLineEdit*>(QStringLiteral("deviceName"))->setText(QStringLiteral("Pi"));
  dialog.accept();
  QCOMPARE(dialog.result(), int(QDialog::Rejected));
  QCOMPARE(m_fake->session->devices().devices().size(), size_t(0));
  dialog.findChild<QLineEdit*>(QStringLiteral("deviceHost"))->setText(QStringLiteral("pi"));
  dialog.accept();
  QCOMPARE(dialog.result(), int(QDialog::Accepted));
}

void DevicesPageTest::refusesANameThatIsTaken() {
  add("one");
  DeviceDialog dialog(m_fake->session->devices(), {}, {});
  dialog.findChild<QLineEdit*>(QStringLiteral("deviceName"))->setText(QStringLiteral("one"));
  dialog.findChild<QLineEdit*>(QStringLiteral("deviceHost"))->setText(QStringLiteral("elsewhere"));
  dialog.accept();
  QCOMPARE(dialog.result(), int(QDialog::Rejected));
  QCOMPARE(m_fake->session->devices().device(QStringLiteral("one"))->host, std::string("192.0.2.7"));
}

void DevicesPageTest::renamesADevice() {
  add("one");
  DeviceDialog dialog(m_fake->session->devices(), *m_fake->session->devices().device(QStringLiteral("one")),
                      QStringLiteral("one"));
  dialog.findChild<QLineEdit*>(QStringLiteral("deviceName"))->setText(QStringLiteral("two"));
  dialog.accept();
  QCOMPARE(m_page->list()->count(), 1);
  QCOMPARE(m_page->list()->item(0)->text(), QStringLiteral("two"));
}

void DevicesPageTest::testsTheConnectionAndShowsWhatItIs() {
  add("board");
  connect(&m_fake->session->hostKeys(), &HostKeyPrompt::asked, m_page.get(),
          [this](quint64 question, const devices::HostKey&) {
            m_fake->session->hostKeys().answer(question, true);
          });
  QVERIFY(shows(QStringLiteral("Not known yet")));
  auto* button = m_page->findChild<QPushButton*>(QStringLiteral("testConnection"));
  QTest::mouseClick(button, Qt::LeftButton);
  NIB_WAIT(shows(QStringLiteral("Cortex-A72, 4 cores")));
  QVERIFY(!shows(QStringLiteral("Not known yet")));
  QVERIFY(button->isEnabled());
}

void DevicesPageTest::showsATestAtItsOwnDevice() {
  add("board");
  add("other");
  HostKeyPrompt& prompt = m_fake->session->hostKeys();
  quint64 asked = 0;
  connect(&prompt, &HostKeyPrompt::asked, m_page.get(),
          [&](quint64 question, const devices::HostKey&) { asked = question; });
  auto* button = m_page->findChild<QPushButton*>(QStringLiteral("testConnection"));
  m_page->list()->setCurrentRow(0);
  QTest::mouseClick(button, Qt::LeftButton);
  NIB_WAIT(asked != 0);
  QVERIFY(shows(QStringLiteral("Connecting")));
  m_page->list()->setCurrentRow(1);
  QVERIFY(shows(QStringLiteral("Not known yet")));
  QVERIFY(button->isEnabled());
  prompt.answer(asked, false);
  NIB_WAIT(m_fake->session->queue().waitingOrRunning() == 0);
  QVERIFY(!shows(QStringLiteral("was not confirmed")));
  m_page->list()->setCurrentRow(0);
  QVERIFY(shows(QStringLiteral("was not confirmed")));
}

void DevicesPageTest::showsAFingerprintBeforeItIsTrusted_data() {
  QTest::addColumn<bool>("trust");
  QTest::newRow("trusted") << true;
  QTest::newRow("refused by default") << false;
}

void DevicesPageTest::showsAFingerprintBeforeItIsTrusted() {
  QFETCH(bool, trust);
  add("board");
  HostKeyPrompt& prompt = m_fake->session->hostKeys();
  connect(&prompt, &HostKeyPrompt::asked, m_page.get(),
          [&, this](quint64 question, const devices::HostKey& key) {
            auto* dialog = new HostKeyDialog(prompt, question, key, m_page.get());
            dialog->open();
            QCOMPARE(dialog->findChild<QLabel*>(QStringLiteral("fingerprint"))->text(),
                     QStringLiteral("SHA256:abc"));
            if (trust)
              QTest::mouseClick(dialog->findChild<QPushButton*>(QStringLiteral("trust")), Qt::LeftButton);
            else
              QTest::keyClick(dialog, Qt::Key_Escape);
          });
  const JobId id = m_fake->session->probe(*m_fake->session->devices().device(QStringLiteral("board")));
  NIB_WAIT(m_fake->session->queue().job(id)->ended());
  QCOMPARE(m_fake->session->queue().job(id)->state, trust ? JobState::Finished : JobState::Failed);
}

void DevicesPageTest::showsWhatWasMeasuredThere() {
  add("board");
  auto rows = test::fakeRows();
  rows[2].device = "board";
  m_fake->rows = rows;
  m_fake->session->experiments().refresh();
  NIB_WAIT(m_page->results()->model()->rowCount() == 1);
  QCOMPARE(m_page->results()->model()->index(0, 1).data().toString(), QStringLiteral("GPTQ 4-bit g128"));
}

void DevicesPageTest::proposesATypeForTheArtifact() {
  add("board");
  auto rows = test::fakeRows();
  for (auto& row : rows)
    row.path = m_fake->directory.path().toStdString();
  m_fake->rows = rows;
  m_fake->session->experiments().refresh();
  NIB_WAIT(!m_fake->session->experiments().rows().empty());
  const auto typeFor = [this](experiments::RowId artifact) {
    return DeployDialog(*m_fake->session, artifact, QStringLiteral("board")).request().type;
  };
  QVERIFY(typeFor(3) == exporting::GgufType::Q4_0); // 4 bits
  QVERIFY(typeFor(6) == exporting::GgufType::Q8_0); // 8 bits
  QVERIFY(typeFor(1) == exporting::GgufType::F16);  // exported without quantization
  QCOMPARE(DeployDialog(*m_fake->session, 3, QStringLiteral("board")).request().access.device.host,
           std::string("192.0.2.7"));
}

void DevicesPageTest::saysWhatARollBackGoesBackTo() {
  add("board");
  m_fake->versions.current = test::fakeVersion("bbbb", "RTN 4-bit", "2026-03-02T10:00:00Z", 12);
  m_fake->versions.previous = test::fakeVersion("aaaa", "GPTQ 4-bit", "2026-03-01T10:00:00Z", 7);
  bool wasSeen = false;
  QTimer::singleShot(0, this, [&] {
    auto* dialog = qobject_cast<RollBackDialog*>(QApplication::activeModalWidget());
    QVERIFY(dialog);
    auto* act = dialog->findChild<QPushButton*>(QStringLiteral("act"));
    QVERIFY(!act->isEnabled()); // no version is known yet
    NIB_WAIT(act->isEnabled());
    QStringList texts;
    for (const QLabel* label : dialog->findChildren<QLabel*>())
      if (label->isVisible())
        texts << label->text();
    for (const char* text :
         {"Runs now", "demo, RTN 4-bit", "12", "bbbb", "Goes back to", "demo, GPTQ 4-bit", "7", "aaaa"})
      QVERIFY2(texts.contains(QLatin1String(text)), text);
    QVERIFY(texts.join(QLatin1Char(' ')).contains(QStringLiteral("2026-03-01")));
    QCOMPARE(act->text(), QStringLiteral("Roll back"));
    wasSeen = true;
    QTest::mouseClick(act, Qt::LeftButton);
  });
  QTest::mouseClick(m_page->findChild<QPushButton*>(QStringLiteral("rollBack")), Qt::LeftButton);
  QVERIFY(wasSeen);
  NIB_WAIT(m_fake->session->queue().waitingOrRunning() == 0);
  QCOMPARE(m_fake->rolledBackTo, std::vector<std::string>{"aaaa"});
}

void DevicesPageTest::saysWhereARollBackGoesForward() {
  add("board");
  m_fake->versions.current = test::fakeVersion("aaaa", "GPTQ 4-bit", "2026-03-01T10:00:00Z", 7);
  m_fake->versions.previous = test::fakeVersion("bbbb", "RTN 4-bit", "2026-03-02T10:00:00Z", 12);
  RollBackDialog dialog(*m_fake->session, *m_fake->session->devices().device(QStringLiteral("board")));
  dialog.show();
  auto* act = dialog.findChild<QPushButton*>(QStringLiteral("act"));
  NIB_WAIT(act->isEnabled());
  QCOMPARE(act->text(), QStringLiteral("Go forward"));
  const auto labels = dialog.findChildren<QLabel*>();
  QVERIFY(std::any_of(labels.begin(), labels.end(), [](const QLabel* label) {
    return label->isVisible() &&
           label->text().contains(QStringLiteral("was deployed after the one that runs now"));
  }));
}

void DevicesPageTest::rollsBackToWhatWasShownOnly() {
  add("board");
  m_fake->versions.current = test::fakeVersion("aaaa", "GPTQ 4-bit", "2026-03-01T10:00:00Z", 7);
  RollBackDialog nothing(*m_fake->session, *m_fake->session->devices().device(QStringLiteral("board")));
  nothing.show();
  const auto shows = [&](const char* text) {
    const auto labels = nothing.findChildren<QLabel*>();
    return std::any_of(labels.begin(), labels.end(), [&](const QLabel* label) {
      return label->isVisible() && label->text().contains(QLatin1String(text));
    });
  };
  NIB_WAIT(shows("has no version to go back to"));
  QVERIFY(shows("demo, GPTQ 4-bit"));
  QVERIFY(!nothing.findChild<QPushButton*>(QStringLiteral("act"))->isEnabled());
}

} // namespace nibblesmith::ui

NIB_TEST(nibblesmith::ui::DevicesPageTest)
#include "devices_page_test.moc"
