// SPDX-License-Identifier: GPL-3.0-or-later
#include "fakes.hpp"

#include "devices/device.hpp"
#include "nib_test.hpp"
#include "test_data.hpp"
#include "ui/pages/devices/device_dialog.hpp"
#include "ui/pages/devices/roll_back_dialog.hpp"
#include "ui/session/model_name.hpp"
#include "ui/widgets/benchmark_dialog.hpp"
#include "ui/widgets/deploy_dialog.hpp"
#include "ui/widgets/evaluate_dialog.hpp"
#include "ui/widgets/export_dialog.hpp"
#include "ui/widgets/host_key_dialog.hpp"

#include <QAbstractButton>
#include <QPushButton>
#include <QRegularExpression>
#include <QTest>

#include <fstream>
#include <set>
#include <sstream>

namespace nibblesmith::ui {

/// Focus and Enter key of every dialog of the window.
class DialogsTest : public QObject {
  Q_OBJECT

private slots:
  void init();
  void knowsEveryDialog();
  void opensInTheFirstField_data() { formRows(); }
  void opensInTheFirstField();
  void enterAcceptsFromEveryField_data() { formRows(); }
  void enterAcceptsFromEveryField();
  void keepsEnterForTheDefaultBehindATab_data() { formRows(); }
  void keepsEnterForTheDefaultBehindATab();
  void keepsOpenWhatIsNotComplete();
  void asksSafely_data();
  void asksSafely();
  void answersWhatItsButtonSays();

private:
  using Maker = std::function<std::unique_ptr<Dialog>()>;
  void formRows() const;
  std::map<QString, Maker> forms();
  std::map<QString, Maker> questions();
  std::unique_ptr<Dialog> open(const Maker& make) const;

  std::unique_ptr<test::FakeSession> m_fake;
};

namespace {

const QString kTarget = QStringLiteral("board");

/// Base classes; their dialogs have classes or functions of their own.
const std::set<QString> kBases = {QStringLiteral("Dialog"), QStringLiteral("FormDialog")};

const QStringList kForms = {QStringLiteral("BenchmarkDialog"), QStringLiteral("DeployDialog"),
                            QStringLiteral("DeviceDialog"), QStringLiteral("EvaluateDialog"),
                            QStringLiteral("ExportDialog")};
const QStringList kQuestions = {QStringLiteral("HostKeyDialog"), QStringLiteral("MessageDialog"),
                                QStringLiteral("RollBackDialog")};

/// Returns the classes in ui/ that derive from a dialog.
std::set<QString> dialogClasses() {
  static const QRegularExpression kClass(
      QStringLiteral("class (\\w+)(?: final)? : public (Q?\\w*(?:Dialog|MessageBox))\\b"));
  std::set<QString> found;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(nibblesmith::test::projectFile("ui"))) {
    std::ostringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    auto matches = kClass.globalMatch(QString::fromStdString(text.str()));
    while (matches.hasNext())
      found.insert(matches.next().captured(1));
  }
  return found;
}

QPushButton* buttonWith(const Dialog& dialog, bool isDefault) {
  for (QPushButton* button : dialog.findChildren<QPushButton*>())
    if (button->isVisible() && button->isDefault() == isDefault)
      return button;
  return nullptr;
}

} // namespace

void DialogsTest::init() {
  m_fake = std::make_unique<test::FakeSession>();
  m_fake->rows = test::fakeRows();
  for (auto& row : m_fake->rows)
    row.path = m_fake->directory.path().toStdString();
  Session& session = m_fake->start();
  devices::Device device;
  device.name = kTarget.toStdString();
  device.host = "192.0.2.7";
  session.devices().put(device);
  session.experiments().refresh();
  NIB_WAIT(!session.experiments().rows().empty());
  m_fake->versions.current = test::fakeVersion("bbbb", "RTN 4-bit", "2026-03-02T10:00:00Z", 2);
  m_fake->versions.previous = test::fakeVersion("aaaa", "GPTQ 4-bit", "2026-03-01T10:00:00Z", 1);
}

void DialogsTest::knowsEveryDialog() {
  std::set<QString> known = kBases;
  known.insert(kForms.begin(), kForms.end());
  known.insert(kQuestions.begin(), kQuestions.end());
  const std::set<QString> found = dialogClasses();
  for (const QString& name : found)
    QVERIFY2(known.contains(name), qPrintable(name + QStringLiteral(" is not tested here")));
  for (const QString& name : known)
    QVERIFY2(found.contains(name), qPrintable(name + QStringLiteral(" is not there any more")));
  for (const QString& name : kForms)
    QVERIFY(forms().contains(name));
  for (const QString& name : kQuestions)
    QVERIFY(questions().contains(name));
}

void DialogsTest::formRows() const {
  QTest::addColumn<QString>("name");
  for (const QString& name : kForms)
    QTest::newRow(qPrintable(name)) << name;
}

std::map<QString, DialogsTest::Maker> DialogsTest::forms() {
  const FilesBesideModel files{{}, nibblesmith::test::projectFile("README.md"), {}};
  devices::Device filledIn;
  filledIn.host = "board.local";
  return {
      {QStringLiteral("BenchmarkDialog"),
       [] { return std::make_unique<BenchmarkDialog>(QStringLiteral("demo")); }},
      {QStringLiteral("DeployDialog"),
       [this] { return std::make_unique<DeployDialog>(*m_fake->session, 3, kTarget); }},
      {QStringLiteral("DeviceDialog"),
       [this, filledIn, made = 0]() mutable {
         filledIn.name = "another " + std::to_string(++made);
         return std::make_unique<DeviceDialog>(m_fake->session->devices(), filledIn, QString());
       }},
      {QStringLiteral("EvaluateDialog"),
       [files] { return std::make_unique<EvaluateDialog>(QStringLiteral("demo"), files); }},
      {QStringLiteral("ExportDialog"),
       [] { return std::make_unique<ExportDialog>(QStringLiteral("demo"), 4); }},
  };
}

std::map<QString, DialogsTest::Maker> DialogsTest::questions() {
  return {
      {QStringLiteral("MessageDialog"),
       [] {
         return std::make_unique<MessageDialog>(Question{QStringLiteral("title"), QStringLiteral("Do it?"),
                                                         QStringLiteral("details"), QStringLiteral("Do it"),
                                                         QStringLiteral("Leave it")});
       }},
      {QStringLiteral("HostKeyDialog"),
       [this] {
         auto dialog = std::make_unique<HostKeyDialog>(
             m_fake->session->hostKeys(), 1, devices::HostKey{"board", 22, "ssh-ed25519", "SHA256:abc"});
         dialog->setAttribute(Qt::WA_DeleteOnClose, false);
         return dialog;
       }},
      {QStringLiteral("RollBackDialog"),
       [this] {
         return std::make_unique<RollBackDialog>(*m_fake->session,
                                                 *m_fake->session->devices().device(kTarget));
       }},
  };
}

std::unique_ptr<Dialog> DialogsTest::open(const Maker& make) const {
  std::unique_ptr<Dialog> dialog = make();
  dialog->show();
  return QTest::qWaitForWindowActive(dialog.get()) ? std::move(dialog) : nullptr;
}

void DialogsTest::opensInTheFirstField() {
  QFETCH(QString, name);
  const auto dialog = open(forms().at(name));
  QVERIFY(dialog);
  const std::vector<QWidget*> fields = dialog->fields();
  QVERIFY(!fields.empty());
  QCOMPARE(QApplication::focusWidget(), fields.front());
  QVERIFY(!qobject_cast<QPushButton*>(fields.front()));
  // The first field is the topmost one.
  for (const QWidget* field : fields)
    QVERIFY(field->mapTo(dialog.get(), QPoint()).y() >= fields.front()->mapTo(dialog.get(), QPoint()).y());
}

void DialogsTest::enterAcceptsFromEveryField() {
  QFETCH(QString, name);
  const Maker make = forms().at(name);
  const size_t count = open(make)->fields().size();
  for (size_t i = 0; i < count; ++i)
    for (const Qt::Key key : {Qt::Key_Return, Qt::Key_Enter}) {
      const auto dialog = open(make);
      QVERIFY(dialog);
      QWidget* field = dialog->fields()[i];
      QTest::mouseClick(field, Qt::LeftButton);
      if (QWidget* popup = QApplication::activePopupWidget())
        QTest::keyClick(popup, Qt::Key_Escape);
      NIB_WAIT(!QApplication::activePopupWidget());
      QCOMPARE(QApplication::focusWidget(), field);
      QTest::keyClick(QApplication::focusWidget(), key);
      const QByteArray where = name.toUtf8() + ", field " + QByteArray::number(qulonglong(i)) + ": " +
                               field->metaObject()->className();
      QVERIFY2(dialog->result() == QDialog::Accepted, where);
      QVERIFY2(!dialog->isVisible(), where);
    }
}

void DialogsTest::keepsEnterForTheDefaultBehindATab() {
  QFETCH(QString, name);
  const auto dialog = open(forms().at(name));
  QVERIFY(dialog);
  // After Tab has visited every button, the default button is still the default.
  QPushButton* action = buttonWith(*dialog, true);
  QVERIFY(action);
  QWidget* first = QApplication::focusWidget();
  bool isCancelReached = false;
  for (int i = 0; i < 40; ++i) {
    QTest::keyClick(QApplication::focusWidget(), Qt::Key_Tab);
    isCancelReached = isCancelReached || QApplication::focusWidget() == buttonWith(*dialog, false);
    if (QApplication::focusWidget() == first)
      break;
  }
  QVERIFY(isCancelReached);
  QCOMPARE(QApplication::focusWidget(), first);
  QCOMPARE(buttonWith(*dialog, true), action);
  // Enter on a button presses that button.
  buttonWith(*dialog, false)->setFocus(Qt::TabFocusReason);
  QTest::keyClick(QApplication::focusWidget(), Qt::Key_Return);
  QVERIFY(!dialog->isVisible());
  QCOMPARE(dialog->result(), int(QDialog::Rejected));
}

void DialogsTest::keepsOpenWhatIsNotComplete() {
  DeviceDialog dialog(m_fake->session->devices(), {}, {});
  dialog.show();
  QVERIFY(QTest::qWaitForWindowActive(&dialog));
  QTest::keyClicks(QApplication::focusWidget(), QStringLiteral("Pi"));
  QTest::keyClick(QApplication::focusWidget(), Qt::Key_Return);
  QVERIFY(dialog.isVisible());
  QCOMPARE(m_fake->session->devices().devices().size(), size_t(1));
  QTest::keyClick(QApplication::focusWidget(), Qt::Key_Tab);
  QTest::keyClicks(QApplication::focusWidget(), QStringLiteral("pi.local"));
  QTest::keyClick(QApplication::focusWidget(), Qt::Key_Return);
  QVERIFY(!dialog.isVisible());
  QCOMPARE(m_fake->session->devices().device(QStringLiteral("Pi"))->host, std::string("pi.local"));
}

void DialogsTest::asksSafely_data() {
  QTest::addColumn<QString>("name");
  QTest::addColumn<int>("key");
  for (const QString& name : kQuestions)
    for (const auto& [key, text] : {std::pair(Qt::Key_Return, "Enter"), {Qt::Key_Escape, "Escape"}})
      QTest::addRow("%s, %s", qPrintable(name), text) << name << int(key);
}

void DialogsTest::asksSafely() {
  QFETCH(QString, name);
  QFETCH(int, key);
  const auto dialog = open(questions().at(name));
  QVERIFY(dialog);
  QVERIFY(dialog->fields().empty());
  QPushButton* keep = buttonWith(*dialog, true);
  QVERIFY(keep);
  QCOMPARE(QApplication::focusWidget(), keep);
  QTest::keyClick(QApplication::focusWidget(), static_cast<Qt::Key>(key));
  QVERIFY(!dialog->isVisible());
  QCOMPARE(dialog->result(), int(QDialog::Rejected));
}

void DialogsTest::answersWhatItsButtonSays() {
  for (const char* button : {"act", "keep"}) {
    const auto dialog = open(questions().at(QStringLiteral("MessageDialog")));
    QTest::mouseClick(dialog->findChild<QPushButton*>(QLatin1String(button)), Qt::LeftButton);
    QCOMPARE(dialog->result() == QDialog::Accepted, QLatin1String(button) == QLatin1String("act"));
  }
}

} // namespace nibblesmith::ui

NIB_TEST(nibblesmith::ui::DialogsTest)
#include "dialogs_test.moc"
