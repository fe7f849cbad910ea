// SPDX-License-Identifier: GPL-3.0-or-later
#include "fakes.hpp"

#include "nib_test.hpp"
#include "quantization/recipe.hpp"
#include "ui/main_window.hpp"
#include "ui/pages/recipe/recipe_page.hpp"
#include "ui/widgets/deploy_dialog.hpp"
#include "ui/widgets/theme.hpp"

#include <QAbstractSpinBox>
#include <QComboBox>
#include <QScrollArea>
#include <QScrollBar>
#include <QSignalSpy>
#include <QTest>
#include <QWheelEvent>

namespace nibblesmith::ui {

/// Mouse wheel over spin boxes and combo boxes, sent as by the window system.
class WheelGuardTest : public QObject {
  Q_OBJECT

private slots:
  void init();
  void changesNothingWithoutFocus_data();
  void changesNothingWithoutFocus();
  void changesTheFieldThatHasTheFocus();
  void scrollsThePageBelowAField();
  void holdsInDialogs();

private:
  static QString valueOf(const QWidget* box);
  std::vector<QWidget*> boxes(const QWidget& window) const;

  std::unique_ptr<test::FakeSession> m_fake;
  std::unique_ptr<Theme> m_theme;
  std::unique_ptr<MainWindow> m_window;
};

namespace {

constexpr int kNotch = 120;

/// Sends the event to the widget under the pointer, such as a spin box's line edit.
void turnWheel(QWidget* widget, int delta) {
  const QPoint at = widget->rect().center();
  QWidget* target = widget->childAt(at) ? widget->childAt(at) : widget;
  const QPointF local = target->mapFrom(widget, at);
  QWheelEvent event(local, target->mapToGlobal(local), {}, {0, delta}, Qt::NoButton, Qt::NoModifier,
                    Qt::NoScrollPhase, false);
  QSpontaneKeyEvent::setSpontaneous(&event);
  qApp->notify(target, &event);
}

} // namespace

void WheelGuardTest::init() {
  m_window.reset();
  m_fake = std::make_unique<test::FakeSession>();
  m_fake->rows = test::fakeRows();
  m_theme = std::make_unique<Theme>(*qobject_cast<QApplication*>(QCoreApplication::instance()));
  quantization::Recipe learned;
  learned.name = "GPTQ";
  learned.rounding = {"gptq", base::Json::object()};
  m_window = std::make_unique<MainWindow>(m_fake->start(), *m_theme, std::vector{learned});
  m_window->show();
  QVERIFY(QTest::qWaitForWindowActive(m_window.get()));
  QSignalSpy changed(m_fake->session.get(), &Session::modelChanged);
  m_fake->session->openModel("/models/demo");
  NIB_WAIT(changed.count() == 1);
  m_fake->session->experiments().refresh();
  NIB_WAIT(!m_fake->session->experiments().rows().empty());
}

QString WheelGuardTest::valueOf(const QWidget* box) {
  if (const auto* spin = qobject_cast<const QAbstractSpinBox*>(box))
    return spin->text();
  return qobject_cast<const QComboBox*>(box)->currentText();
}

std::vector<QWidget*> WheelGuardTest::boxes(const QWidget& window) const {
  std::vector<QWidget*> found;
  for (QWidget* widget : window.findChildren<QWidget*>())
    if (widget->isVisible() && widget->isEnabled() &&
        (qobject_cast<QAbstractSpinBox*>(widget) || qobject_cast<QComboBox*>(widget)))
      found.push_back(widget);
  return found;
}

void WheelGuardTest::changesNothingWithoutFocus_data() {
  QTest::addColumn<Page>("page");
  QTest::addColumn<int>("atLeast"); // least number of fields to test
  QTest::newRow("recipe") << Page::Recipe << 10;
  QTest::newRow("experiments") << Page::Experiments << 1;
}

void WheelGuardTest::changesNothingWithoutFocus() {
  QFETCH(Page, page);
  QFETCH(int, atLeast);
  m_window->showPage(page);
  const std::vector<QWidget*> found = boxes(*m_window);
  QVERIFY2(static_cast<int>(found.size()) >= atLeast, qPrintable(QString::number(found.size())));
  for (QWidget* box : found) {
    const QString before = valueOf(box);
    for (const int delta : {kNotch, -kNotch}) {
      turnWheel(box, delta);
      QVERIFY2(valueOf(box) == before, qPrintable(box->objectName()));
      QVERIFY2(!box->hasFocus(), qPrintable(box->objectName()));
    }
  }
}

void WheelGuardTest::changesTheFieldThatHasTheFocus() {
  m_window->showPage(Page::Recipe);
  auto* samples = m_window->findChild<QAbstractSpinBox*>(QStringLiteral("samples"));
  QCOMPARE(samples->text(), QStringLiteral("128"));
  samples->setFocus();
  turnWheel(samples, kNotch);
  QCOMPARE(samples->text(), QStringLiteral("129"));
  auto* preset = m_window->findChild<QComboBox*>(QStringLiteral("sampling"));
  preset->setFocus();
  const QString before = preset->currentText();
  turnWheel(preset, -kNotch);
  QVERIFY(preset->currentText() != before);
}

void WheelGuardTest::scrollsThePageBelowAField() {
  m_window->showPage(Page::Recipe);
  auto* samples = m_window->findChild<QAbstractSpinBox*>(QStringLiteral("samples"));
  QScrollArea* area = nullptr;
  for (QWidget* parent = samples; parent && !area; parent = parent->parentWidget())
    area = qobject_cast<QScrollArea*>(parent);
  QVERIFY(area);
  QVERIFY(area->verticalScrollBar()->maximum() > 0);
  const int before = area->verticalScrollBar()->value();
  turnWheel(samples, -kNotch);
  QVERIFY(area->verticalScrollBar()->value() > before);
}

void WheelGuardTest::holdsInDialogs() {
  for (auto& row : m_fake->rows)
    row.path = m_fake->directory.path().toStdString();
  m_fake->session->experiments().refresh();
  NIB_WAIT(m_fake->session->experiments().rows().front().path == m_fake->rows.front().path);
  DeployDialog dialog(*m_fake->session, 0, {}, m_window.get());
  dialog.show();
  auto* artifact = dialog.findChild<QComboBox*>();
  QVERIFY(artifact->count() > 1);
  m_window->setFocus();
  artifact->clearFocus();
  turnWheel(artifact, -kNotch);
  QCOMPARE(artifact->currentIndex(), 0);
}

} // namespace nibblesmith::ui

NIB_TEST(nibblesmith::ui::WheelGuardTest)
#include "wheel_guard_test.moc"
