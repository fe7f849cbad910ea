// SPDX-License-Identifier: GPL-3.0-or-later
#include "fakes.hpp"

#include "nib_test.hpp"
#include "ui/widgets/number_boxes.hpp"
#include "ui/widgets/parameter_form.hpp"

#include <QCheckBox>
#include <QComboBox>
#include <QFloat16>
#include <QLabel>
#include <QLineEdit>
#include <QSignalSpy>
#include <QTest>

namespace nibblesmith::ui {

using base::Json;

class ParameterFormTest : public QObject {
  Q_OBJECT

private slots:
  void init() { m_form = std::make_unique<ParameterForm>(test::FakeMethods().methods().front()); }
  void startsWithTheDefaults();
  void roundTrips_data();
  void roundTrips();
  void keepsAGivenDefault();
  void takesWhatIsTyped();
  void doesNotCompleteATypedNumber();
  void leavesOutWhatDoesNotApply();
  void passesOverValuesOfAnotherType();
  void showsWholeNumbers();
  void showsAProblemAtItsField();
  void keepsBigIntegersAndSmallNumbers();

private:
  template <typename Editor>
  Editor* editor(const char* key) const {
    return qobject_cast<Editor*>(m_form->editor(key));
  }
  std::unique_ptr<ParameterForm> m_form;
};

void ParameterFormTest::startsWithTheDefaults() {
  QCOMPARE(m_form->values(), Json::object());
  QCOMPARE(editor<NumberBox>("dampFraction")->text(), QStringLiteral("0.01"));
  QCOMPARE(editor<Int64Box>("blockSize")->value(), qint64(128));
  QCOMPARE(editor<QComboBox>("groups")->currentText(), QStringLiteral("64"));
  QCOMPARE(editor<QComboBox>("actOrder")->currentText(), QStringLiteral("none"));
  QVERIFY(editor<QCheckBox>("staticGroups")->isChecked());
}

void ParameterFormTest::roundTrips_data() {
  QTest::addColumn<QByteArray>("json");
  const auto row = [](const char* json) { QTest::newRow(json) << QByteArray(json); };
  row("{}");
  row(R"({"dampFraction":0.05})");
  row(R"({"dampFraction":1e-06})");
  row(R"({"blockSize":1})");
  row(R"({"groups":48})");
  row(R"({"groups":128})");
  row(R"({"actOrder":"static"})");
  row(R"({"actOrder":"dynamic","staticGroups":false})");
  row(R"({"actOrder":"static","blockSize":256,"dampFraction":0.123456,"groups":32,"staticGroups":false})");
}

void ParameterFormTest::roundTrips() {
  QFETCH(QByteArray, json);
  const Json given = Json::parse(json.toStdString());
  m_form->setValues(given);
  QCOMPARE(m_form->values().dump(), given.dump());
}

void ParameterFormTest::keepsAGivenDefault() {
  m_form->setValues(Json{{"dampFraction", 0.01}});
  QCOMPARE(m_form->values().dump(), std::string(R"({"dampFraction":0.01})"));
  m_form->setValues(Json::object());
  QCOMPARE(m_form->values().dump(), std::string("{}"));
}

void ParameterFormTest::takesWhatIsTyped() {
  m_form->show(); // lays the form out, which gives the check box a position to click
  QSignalSpy changed(m_form.get(), &ParameterForm::changed);
  auto* damp = editor<NumberBox>("dampFraction");
  damp->selectAll();
  QTest::keyClicks(damp, QStringLiteral("0.25"));
  QTest::keyClick(damp, Qt::Key_Return);
  auto* block = editor<Int64Box>("blockSize");
  block->selectAll();
  QTest::keyClicks(block, QStringLiteral("96"));
  QTest::keyClick(block, Qt::Key_Up);
  auto* groups = editor<QComboBox>("groups");
  groups->lineEdit()->selectAll();
  QTest::keyClicks(groups->lineEdit(), QStringLiteral("100"));
  auto* order = editor<QComboBox>("actOrder");
  QTest::keyClick(order, Qt::Key_Down);
  QTest::mouseClick(editor<QCheckBox>("staticGroups"), Qt::LeftButton);
  const Json expected = {{"dampFraction", 0.25},
                         {"blockSize", 97},
                         {"groups", 100},
                         {"actOrder", "static"},
                         {"staticGroups", false}};
  QCOMPARE(QByteArray::fromStdString(m_form->values().dump()), QByteArray::fromStdString(expected.dump()));
  QVERIFY(changed.count() >= 5);
}

void ParameterFormTest::doesNotCompleteATypedNumber() {
  auto* groups = editor<QComboBox>("groups"); // proposes 32, 64 and 128
  groups->lineEdit()->selectAll();
  QTest::keyClicks(groups->lineEdit(), QStringLiteral("12"));
  QCOMPARE(groups->currentText(), QStringLiteral("12"));
}

void ParameterFormTest::leavesOutWhatDoesNotApply() {
  m_form->setValues(Json{{"actOrder", "static"}, {"staticGroups", false}});
  QVERIFY(editor<QCheckBox>("staticGroups")->isEnabled());
  editor<QComboBox>("actOrder")->setCurrentText(QStringLiteral("none"));
  QVERIFY(!editor<QCheckBox>("staticGroups")->isEnabled());
  QVERIFY(!m_form->values().contains("staticGroups"));
}

void ParameterFormTest::passesOverValuesOfAnotherType() {
  m_form->setValues(Json{
      {"dampFraction", "much"}, {"blockSize", 1.5}, {"actOrder", 3}, {"staticGroups", 1}, {"groups", {}}});
  QCOMPARE(editor<NumberBox>("dampFraction")->value(), 0.01);
  QCOMPARE(editor<Int64Box>("blockSize")->value(), qint64(128));
  QCOMPARE(editor<QComboBox>("actOrder")->currentText(), QStringLiteral("none"));
}

void ParameterFormTest::showsWholeNumbers() {
  NumberBox box;
  box.setRange(0, 1);
  box.setValue(0.00125);
  box.resize(box.sizeHint());
  box.ensurePolished();
  const auto* edit = box.findChild<QLineEdit*>();
  box.show();
  QVERIFY(edit->width() >= edit->fontMetrics().horizontalAdvance(box.text()));
}

void ParameterFormTest::showsAProblemAtItsField() {
  QVERIFY(m_form->setProblem("blockSize", QStringLiteral("too large")));
  QVERIFY(!m_form->setProblem("nothing", QStringLiteral("too large")));
  const auto labels = m_form->findChildren<QLabel*>();
  const auto shows = [&] {
    return std::any_of(labels.begin(), labels.end(), [](const QLabel* label) {
      return label->text() == QStringLiteral("too large") && !label->isHidden();
    });
  };
  QVERIFY(shows());
  m_form->clearProblems();
  QVERIFY(!shows());
}

void ParameterFormTest::keepsBigIntegersAndSmallNumbers() {
  Int64Box box;
  box.setRange(0, std::numeric_limits<qint64>::max());
  box.setValue(9'007'199'254'740'993); // not representable as a double
  QCOMPARE(box.value(), qint64(9'007'199'254'740'993));
  box.setValue(std::numeric_limits<qint64>::max());
  box.stepBy(1);
  QCOMPARE(box.value(), std::numeric_limits<qint64>::max());
  QString text = QStringLiteral("12x");
  int position = 0;
  QCOMPARE(box.validate(text, position), QValidator::Invalid);
  NumberBox number;
  number.setRange(0, 1);
  number.setValue(1.25e-7);
  QCOMPARE(number.value(), 1.25e-7);
}

} // namespace nibblesmith::ui

NIB_TEST(nibblesmith::ui::ParameterFormTest)
#include "parameter_form_test.moc"
