// SPDX-License-Identifier: GPL-3.0-or-later
#include "fakes.hpp"

#include "ui/main_window.hpp"
#include "ui/widgets/theme.hpp"

#include <QDropEvent>
#include <QLabel>
#include <QMimeData>
#include <QProgressBar>
#include <QSignalSpy>
#include <QStatusBar>
#include <QTest>

namespace nibblesmith::ui {

class MainWindowTest : public QObject {
  Q_OBJECT

private slots:
  void init();
  void showsPagesByKeyAndByName();
  void opensWhatIsDropped();
  void showsTheRunningJob();
  void remembersPageAndTheme();
  void changesPaletteWithTheTheme();

private:
  std::unique_ptr<test::FakeSession> m_fake;
  std::unique_ptr<Theme> m_theme;
  std::unique_ptr<MainWindow> m_window;
};

void MainWindowTest::init() {
  m_window.reset();
  m_fake = std::make_unique<test::FakeSession>();
  m_theme = std::make_unique<Theme>(*qobject_cast<QApplication*>(QCoreApplication::instance()));
  m_window = std::make_unique<MainWindow>(m_fake->start(), *m_theme, std::vector<quantization::Recipe>());
  m_window->show();
  QVERIFY(QTest::qWaitForWindowActive(m_window.get()));
}

void MainWindowTest::showsPagesByKeyAndByName() {
  QCOMPARE(m_window->currentPage(), QStringLiteral("models"));
  QTest::keyClick(m_window.get(), Qt::Key_4, Qt::ControlModifier);
  QCOMPARE(m_window->currentPage(), QStringLiteral("experiments"));
  QTest::keyClick(m_window.get(), Qt::Key_2, Qt::ControlModifier);
  QCOMPARE(m_window->currentPage(), QStringLiteral("recipe"));
  QVERIFY(m_window->showPage(QStringLiteral("devices")));
  QCOMPARE(m_window->currentPage(), QStringLiteral("devices"));
  QVERIFY(!m_window->showPage(QStringLiteral("nothing")));
  QTest::mouseClick(m_window->findChild<QWidget*>(QStringLiteral("page2")), Qt::LeftButton);
  QCOMPARE(m_window->currentPage(), QStringLiteral("queue"));
}

void MainWindowTest::opensWhatIsDropped() {
  m_window->showPage(QStringLiteral("queue"));
  QSignalSpy changed(m_fake->session.get(), &Session::modelChanged);
  QMimeData data;
  data.setUrls({QUrl::fromLocalFile(QStringLiteral("/models/dropped"))});
  QDragEnterEvent enter(QPoint(200, 200), Qt::CopyAction, &data, Qt::LeftButton, {});
  QCoreApplication::sendEvent(m_window.get(), &enter);
  QVERIFY(enter.isAccepted());
  QDropEvent drop(QPointF(200, 200), Qt::CopyAction, &data, Qt::LeftButton, {});
  QCoreApplication::sendEvent(m_window.get(), &drop);
  NIB_WAIT(changed.count() == 1);
  QCOMPARE(m_fake->session->modelName(), QStringLiteral("dropped"));
  QCOMPARE(m_window->currentPage(), QStringLiteral("models"));
  QVERIFY(m_window->windowTitle().startsWith(QStringLiteral("dropped")));
}

void MainWindowTest::showsTheRunningJob() {
  auto* bar = m_window->statusBar()->findChild<QProgressBar*>();
  QVERIFY(!bar->isVisible());
  JobSpec spec;
  spec.title = QStringLiteral("some work");
  spec.function = [](const std::stop_token& stop, base::Progress& progress) {
    progress.report(0.5, "half way");
    return test::workUntilStopped(stop);
  };
  const JobId id = m_fake->session->queue().add(std::move(spec));
  NIB_WAIT(bar->isVisible() && bar->value() == 500);
  const auto labels = m_window->statusBar()->findChildren<QLabel*>();
  QVERIFY(std::any_of(labels.begin(), labels.end(),
                      [](const QLabel* label) { return label->text().startsWith(QStringLiteral("some work")); }));
  m_fake->session->queue().cancel(id);
  NIB_WAIT(!bar->isVisible());
}

void MainWindowTest::remembersPageAndTheme() {
  m_window->showPage(QStringLiteral("devices"));
  m_fake->settings.setValue(QStringLiteral("window/theme"), QStringLiteral("dark"));
  m_window->close();
  const MainWindow again(*m_fake->session, *m_theme, {});
  QCOMPARE(again.currentPage(), QStringLiteral("devices"));
  QVERIFY(m_theme->choice() == ThemeChoice::Dark);
}

void MainWindowTest::changesPaletteWithTheTheme() {
  m_theme->setChoice(ThemeChoice::Dark);
  QCOMPARE(QApplication::palette().color(QPalette::Window), darkPalette().color(QPalette::Window));
  m_theme->setChoice(ThemeChoice::Light);
  QCOMPARE(QApplication::palette().color(QPalette::Window), lightPalette().color(QPalette::Window));
}

} // namespace nibblesmith::ui

QTEST_MAIN(nibblesmith::ui::MainWindowTest)
#include "main_window_test.moc"
