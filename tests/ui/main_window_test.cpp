// SPDX-License-Identifier: GPL-3.0-or-later
#include "fakes.hpp"

#include "nib_test.hpp"
#include "quantization/recipe.hpp"
#include "ui/main_window.hpp"
#include "ui/widgets/message_dialog.hpp"
#include "ui/widgets/path_field.hpp"
#include "ui/widgets/path_list.hpp"
#include "ui/widgets/theme.hpp"

#include <fstream>

#include <QDropEvent>
#include <QFileDialog>
#include <QLabel>
#include <QLineEdit>
#include <QMimeData>
#include <QProgressBar>
#include <QPushButton>
#include <QSignalSpy>
#include <QStackedWidget>
#include <QStatusBar>
#include <QTest>

#include <fstream>

namespace nibblesmith::ui {

class MainWindowTest : public QObject {
  Q_OBJECT

private slots:
  void init();
  void showsPagesByKeyAndByName();
  void opensWhatIsDropped();
  void fitsASmallScreen();
  void leavesDropsToTheWindow();
  void movesTheFocusIntoTheShownPage();
  void showsTheRunningJob();
  void asksBeforeItQuitsWithJobs_data();
  void asksBeforeItQuitsWithJobs();
  void offersUnfinishedJobs_data();
  void offersUnfinishedJobs();
  void remembersPageAndTheme();
  void changesPaletteWithTheTheme();
  void opensAnotherLogFromTheMenu();
  void findsTheDemosResultsFromTheFirstPage();

private:
  void fill();

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
  QVERIFY(m_window->currentPage() == Page::Models);
  QTest::keyClick(m_window.get(), Qt::Key_4, Qt::ControlModifier);
  QVERIFY(m_window->currentPage() == Page::Experiments);
  QTest::keyClick(m_window.get(), Qt::Key_2, Qt::ControlModifier);
  QVERIFY(m_window->currentPage() == Page::Recipe);
  m_window->showPage(Page::Devices);
  QVERIFY(m_window->currentPage() == Page::Devices);
  for (const Page page : kPages)
    QVERIFY(pageNamed(pageName(page)) == page);
  QVERIFY(!pageNamed(QStringLiteral("nothing")));
  QTest::mouseClick(m_window->findChild<QWidget*>(QStringLiteral("page2")), Qt::LeftButton);
  QVERIFY(m_window->currentPage() == Page::Queue);
}

void MainWindowTest::opensWhatIsDropped() {
  m_window->showPage(Page::Queue);
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
  QVERIFY(m_window->currentPage() == Page::Models);
  QVERIFY(m_window->windowTitle().startsWith(QStringLiteral("dropped")));
}

void MainWindowTest::fill() {
  m_fake->rows = test::fakeRows();
  m_fake->session->experiments().refresh();
  NIB_WAIT(!m_fake->session->experiments().rows().empty());
  QSignalSpy changed(m_fake->session.get(), &Session::modelChanged);
  m_fake->session->openModel("/models/demo");
  NIB_WAIT(changed.count() == 1);
}

void MainWindowTest::fitsASmallScreen() {
  fill();
  m_window->resize(1024, 700);
  QCOMPARE(m_window->size(), QSize(1024, 700));
  auto* pages = m_window->findChild<QStackedWidget*>();
  for (const Page page : {Page::Models, Page::Recipe, Page::Queue, Page::Experiments, Page::Devices}) {
    m_window->showPage(page);
    const int needed = pages->currentWidget()->minimumSizeHint().width();
    QVERIFY2(needed <= m_window->width() - pages->x(),
             qPrintable(QStringLiteral("%1: %2").arg(pageName(page)).arg(needed)));
  }
}

void MainWindowTest::leavesDropsToTheWindow() {
  fill();
  for (const QWidget* widget : m_window->findChildren<QWidget*>()) {
    const bool isForFiles = qobject_cast<const PathField*>(widget) || qobject_cast<const PathList*>(widget);
    QVERIFY2(!widget->acceptDrops() || isForFiles, widget->metaObject()->className());
  }
}

void MainWindowTest::movesTheFocusIntoTheShownPage() {
  for (const Page page : {Page::Recipe, Page::Queue, Page::Experiments, Page::Devices, Page::Models}) {
    m_window->showPage(page);
    auto* pages = m_window->findChild<QStackedWidget*>();
    const auto isInside = [&] {
      const QWidget* focus = QApplication::focusWidget();
      return focus == pages->currentWidget() || pages->currentWidget()->isAncestorOf(focus);
    };
    QVERIFY2(isInside(), qPrintable(pageName(page)));
    QTest::keyClick(m_window.get(), Qt::Key_Tab);
    QVERIFY2(isInside(), qPrintable(pageName(page)));
  }
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
  QVERIFY(std::any_of(labels.begin(), labels.end(), [](const QLabel* label) {
    return label->text().startsWith(QStringLiteral("some work"));
  }));
  m_fake->session->queue().cancel(id);
  NIB_WAIT(!bar->isVisible());
}

void MainWindowTest::asksBeforeItQuitsWithJobs_data() {
  QTest::addColumn<int>("key");
  QTest::addColumn<bool>("quits");
  QTest::newRow("Enter") << int(Qt::Key_Return) << false;
  QTest::newRow("Escape") << int(Qt::Key_Escape) << false;
  QTest::newRow("Quit") << 0 << true;
}

void MainWindowTest::asksBeforeItQuitsWithJobs() {
  QFETCH(int, key);
  QFETCH(bool, quits);
  JobSpec spec;
  spec.title = QStringLiteral("some work");
  spec.function = [](const std::stop_token& stop, base::Progress&) { return test::workUntilStopped(stop); };
  for (int i = 0; i < 12; ++i)
    m_fake->session->queue().add(spec);
  QString text;
  QTimer::singleShot(0, this, [&] {
    auto* dialog = qobject_cast<MessageDialog*>(QApplication::activeModalWidget());
    QVERIFY(dialog);
    NIB_WAIT(QApplication::activeWindow() == dialog);
    for (const QLabel* label : dialog->findChildren<QLabel*>())
      text += label->text() + QLatin1Char('\n');
    if (key != 0)
      QTest::keyClick(QApplication::focusWidget(), static_cast<Qt::Key>(key));
    else
      QTest::mouseClick(dialog->findChild<QPushButton*>(QStringLiteral("act")), Qt::LeftButton);
  });
  QTest::keyClick(m_window.get(), Qt::Key_Q, Qt::ControlModifier);
  QCOMPARE(m_window->isVisible(), !quits);
  QVERIFY2(text.contains(QStringLiteral("12 jobs")), qPrintable(text));
  QVERIFY2(text.contains(QStringLiteral("some work")), qPrintable(text));
  QVERIFY2(text.contains(QStringLiteral("and 4 more")), qPrintable(text));
  QCOMPARE(m_fake->session->queue().waitingOrRunning(), 12);
}

void MainWindowTest::offersUnfinishedJobs_data() {
  QTest::addColumn<QString>("button");
  QTest::addColumn<int>("jobs");
  QTest::addColumn<bool>("areKept");
  QTest::newRow("resume") << QStringLiteral("resumeJobs") << 1 << false;
  QTest::newRow("discard") << QStringLiteral("discardJobs") << 0 << false;
  QTest::newRow("later") << QStringLiteral("laterJobs") << 0 << true;
}

void MainWindowTest::offersUnfinishedJobs() {
  QFETCH(QString, button);
  QFETCH(int, jobs);
  QFETCH(bool, areKept);
  const auto bar = [this] { return m_window->findChild<QWidget*>(QStringLiteral("unfinishedJobs")); };
  QVERIFY(!bar()->isVisible());
  const std::filesystem::path folder = m_fake->session->paths().log.string() + ".jobs";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "left.json")
      << R"({"schema": 1, "jobs": [{"id": 1, "title": "Benchmark one", "kind": "benchmark",
      "request": {"log": "/logs/log.db", "artifact": "/artifacts/one", "expectedHash": "",
      "options": {"promptTokens": 1, "generatedTokens": 2,
      "warmupRuns": 0, "repetitions": 1}}}]})";
  m_window = std::make_unique<MainWindow>(*m_fake->session, *m_theme, std::vector<quantization::Recipe>());
  m_window->show();
  QVERIFY(QTest::qWaitForWindowActive(m_window.get()));
  QVERIFY(bar()->isVisible());
  const auto labels = bar()->findChildren<QLabel*>();
  QVERIFY(std::any_of(labels.begin(), labels.end(),
                      [](const QLabel* label) { return label->text() == QStringLiteral("Benchmark one"); }));
  QTest::mouseClick(bar()->findChild<QPushButton*>(button), Qt::LeftButton);
  QVERIFY(!bar()->isVisible());
  NIB_WAIT(m_fake->session->queue().waitingOrRunning() == 0);
  QCOMPARE(m_fake->benchmarked.size(), static_cast<size_t>(jobs));
  QVERIFY(m_window->currentPage() == (jobs > 0 ? Page::Queue : Page::Models));
  QCOMPARE(std::filesystem::exists(folder / "left.json"), areKept);
}

void MainWindowTest::remembersPageAndTheme() {
  m_window->showPage(Page::Devices);
  m_fake->settings.setValue(QStringLiteral("window/theme"), QStringLiteral("dark"));
  m_window->close();
  const MainWindow again(*m_fake->session, *m_theme, {});
  QVERIFY(again.currentPage() == Page::Devices);
  QVERIFY(m_theme->choice() == ThemeChoice::Dark);
}

void MainWindowTest::changesPaletteWithTheTheme() {
  m_theme->setChoice(ThemeChoice::Dark);
  QCOMPARE(QApplication::palette().color(QPalette::Window), darkPalette().color(QPalette::Window));
  m_theme->setChoice(ThemeChoice::Light);
  QCOMPARE(QApplication::palette().color(QPalette::Window), lightPalette().color(QPalette::Window));
}

void MainWindowTest::opensAnotherLogFromTheMenu() {
  const std::filesystem::path other = m_fake->session->paths().log.parent_path() / "other.db";
  std::ofstream(other) << "x";
  QTimer::singleShot(0, [&] {
    auto* dialog = qobject_cast<QFileDialog*>(QApplication::activeModalWidget());
    QVERIFY(dialog);
    dialog->findChild<QLineEdit*>()->setText(QString::fromStdString(other.string()));
    QTest::keyClick(dialog, Qt::Key_Return);
  });
  QApplication::setAttribute(Qt::AA_DontUseNativeDialogs);
  QTest::keyClick(m_window.get(), Qt::Key_L, Qt::ControlModifier);
  NIB_WAIT(m_fake->session->paths().log == other);
  QVERIFY(m_window->currentPage() == Page::Experiments);
  QVERIFY2(m_window->windowTitle().contains(QStringLiteral("other")), qPrintable(m_window->windowTitle()));
  // Both logs are in the menu now; the user's own log is one of its entries.
  QAction* own = nullptr;
  for (QAction* action : m_window->findChildren<QAction*>())
    if (action->text() == QStringLiteral("My experiments"))
      own = action;
  QVERIFY(own && !own->isChecked());
  own->trigger();
  NIB_WAIT(m_fake->session->paths().log != other);
  QCOMPARE(m_window->windowTitle(), QStringLiteral("Nibblesmith"));
}

/// Simulates ./nib demo followed by ./nib run: the window starts with its first page or the last one.
void MainWindowTest::findsTheDemosResultsFromTheFirstPage() {
  const std::filesystem::path demo = m_fake->session->paths().demoLog;
  std::filesystem::create_directories(demo.parent_path());
  std::ofstream(demo) << "x";
  m_fake->logs[demo] = test::fakeRows();
  m_window = std::make_unique<MainWindow>(*m_fake->session, *m_theme, std::vector<quantization::Recipe>());
  m_window->show();
  QVERIFY(QTest::qWaitForWindowActive(m_window.get()));
  QPushButton* button = nullptr;
  for (QPushButton* candidate : m_window->findChildren<QPushButton*>(QStringLiteral("demoResults")))
    if (candidate->isVisible())
      button = candidate;
  QVERIFY(button);
  QTest::mouseClick(button, Qt::LeftButton);
  QVERIFY(m_window->currentPage() == Page::Experiments);
  NIB_WAIT(m_fake->session->experiments().rows().size() == 6);
}

} // namespace nibblesmith::ui

NIB_TEST(nibblesmith::ui::MainWindowTest)
#include "main_window_test.moc"
