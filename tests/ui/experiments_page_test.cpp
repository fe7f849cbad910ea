// SPDX-License-Identifier: GPL-3.0-or-later
#include "fakes.hpp"

#include "nib_test.hpp"
#include "ui/charts/chart_panel.hpp"
#include "ui/pages/experiments/experiments_page.hpp"
#include "ui/widgets/deploy_dialog.hpp"
#include "ui/widgets/table_view.hpp"
#include "ui/widgets/wheel_guard.hpp"

#include <fstream>

#include <QAction>
#include <QApplication>
#include <QComboBox>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QPushButton>
#include <QTabBar>
#include <QTest>
#include <QWheelEvent>

#include <unistd.h>

namespace nibblesmith::ui {

class ExperimentsPageTest : public QObject {
  Q_OBJECT

private slots:
  void init();
  void saysWhatToDoWhileEmpty();
  void chartsTheSelectedRows();
  void callsMethodsByTheirLabels();
  void filtersRowsAndCharts();
  void keepsTheSelectionWhenTheLogGrows();
  void hidesAndRemembersColumns();
  void widensTheSortedColumnForItsArrow();
  void showsOneDataset();
  void offersOnlyWhatCanBeDone();
  void survivesPathsThatCannotBeLookedAt();
  void deletesTheSelectedRowAlone();
  void showsTheDemosResultsAfterOneClick();
  void goesFromLogToLogByTabs();
  void doesNotScrollFromLogToLog();
  void saysWhyALogDoesNotOpen();
  void expectsTheFilesOfTheSelectedRow();

private:
  std::filesystem::path addDemoLog();
  QTabBar* tabs() const { return m_page->findChild<QTabBar*>(QStringLiteral("logs")); }
  void fill(std::vector<ExperimentRow> rows);
  QAction* action(const QString& text) const;

  std::unique_ptr<test::FakeSession> m_fake;
  std::unique_ptr<ExperimentsPage> m_page;
};

void ExperimentsPageTest::init() {
  m_page.reset();
  m_fake = std::make_unique<test::FakeSession>();
  m_page = std::make_unique<ExperimentsPage>(m_fake->start());
  m_page->resize(1300, 860);
  m_page->show();
}

void ExperimentsPageTest::fill(std::vector<ExperimentRow> rows) {
  const size_t count = rows.size();
  m_fake->rows = std::move(rows);
  m_fake->session->experiments().refresh();
  NIB_WAIT(m_fake->session->experiments().rows().size() == count);
}

QAction* ExperimentsPageTest::action(const QString& text) const {
  for (QAction* candidate : m_page->findChildren<QAction*>())
    if (candidate->text() == text)
      return candidate;
  return nullptr;
}

void ExperimentsPageTest::saysWhatToDoWhileEmpty() {
  const auto labels = m_page->findChildren<QLabel*>();
  QVERIFY(std::any_of(labels.begin(), labels.end(), [](const QLabel* label) {
    return label->isVisible() && label->text().contains(QStringLiteral("Quantize a model"));
  }));
}

void ExperimentsPageTest::chartsTheSelectedRows() {
  fill(test::fakeRows());
  NIB_WAIT(m_page->charts()->rows().size() == 6);
  m_page->table()->selectRow(1);
  m_page->table()->selectionModel()->select(m_page->table()->model()->index(3, 0),
                                            QItemSelectionModel::Select | QItemSelectionModel::Rows);
  NIB_WAIT(m_page->charts()->rows().size() == 2);
  QCOMPARE(m_page->charts()->rows()[0].artifactName, std::string("RTN 4-bit g128"));
  QCOMPARE(m_page->charts()->rows()[1].artifactName, std::string("RTN 3-bit g128"));
}

void ExperimentsPageTest::callsMethodsByTheirLabels() {
  auto rows = test::fakeRows();
  rows[0].method = "none";
  rows[1].method = "rotation + RTN";
  rows[2].method = "AWQ + rotation + not_installed";
  fill(rows);
  NIB_WAIT(m_page->charts()->rows().size() == 6);
  const ChartRows& shown = m_page->charts()->rows();
  QCOMPARE(shown[0].method, std::string("none"));
  QCOMPARE(shown[1].method, std::string("Rotation + RTN"));
  QCOMPARE(shown[2].method, std::string("AWQ + Rotation + not_installed"));
  QStringList cells;
  for (int column = 0; column < m_page->table()->model()->columnCount(); ++column)
    cells << m_page->table()->model()->index(1, column).data().toString();
  QVERIFY(cells.contains(QStringLiteral("Rotation + RTN")));
}

void ExperimentsPageTest::filtersRowsAndCharts() {
  fill(test::fakeRows());
  QTest::keyClicks(m_page->findChild<QLineEdit*>(QStringLiteral("experimentFilter")), QStringLiteral("gptq"));
  QCOMPARE(m_page->table()->model()->rowCount(), 3);
  NIB_WAIT(m_page->charts()->rows().size() == 3);
}

void ExperimentsPageTest::keepsTheSelectionWhenTheLogGrows() {
  auto rows = test::fakeRows();
  fill(rows);
  m_page->table()->selectRow(2);
  rows.insert(rows.begin(), test::fakeRow(7, "RTN 8-bit", 8, 7, 11.5, 0.5, 2));
  fill(rows);
  QCOMPARE(m_page->chosenRows().size(), size_t(1));
  QCOMPARE(m_page->chosenRows()[0].artifactName, std::string("GPTQ 4-bit g128"));
}

void ExperimentsPageTest::hidesAndRemembersColumns() {
  fill(test::fakeRows());
  constexpr int kBleuColumn = 10;
  QCOMPARE(m_page->table()->model()->headerData(kBleuColumn, Qt::Horizontal).toString(),
           QStringLiteral("BLEU"));
  QVERIFY(!m_page->table()->isColumnHidden(kBleuColumn));
  action(QStringLiteral("BLEU"))->trigger();
  QVERIFY(m_page->table()->isColumnHidden(kBleuColumn));
  const ExperimentsPage again(*m_fake->session);
  QVERIFY(again.table()->isColumnHidden(kBleuColumn));
}

void ExperimentsPageTest::widensTheSortedColumnForItsArrow() {
  fill(test::fakeRows());
  constexpr int kRougeColumn = 7;
  TableView* table = m_page->table();
  table->sortByColumn(kRougeColumn, Qt::DescendingOrder);
  QVERIFY(table->columnWidth(kRougeColumn) >= table->horizontalHeader()->sectionSizeHint(kRougeColumn));
}

void ExperimentsPageTest::showsOneDataset() {
  fill(test::fakeRows());
  auto* dataset = m_page->findChild<QComboBox*>(QStringLiteral("dataset"));
  QCOMPARE(dataset->count(), 3);
  constexpr int kRougeColumn = 7;
  const auto rouge = [&] { return m_page->table()->model()->index(0, kRougeColumn).data().toString(); };
  QCOMPARE(rouge(), QStringLiteral("52.0"));
  QTest::keyClick(dataset, Qt::Key_Down);
  QCOMPARE(dataset->currentText(), QStringLiteral("health_report"));
  QCOMPARE(rouge(), QStringLiteral("62.0"));
  QCOMPARE(m_page->charts()->dataset(), QStringLiteral("health_report"));
}

void ExperimentsPageTest::offersOnlyWhatCanBeDone() {
  auto rows = test::fakeRows();
  rows[1].path = m_fake->directory.path().toStdString();
  fill(rows);
  QVERIFY(!action(QStringLiteral("Deploy…"))->isEnabled());
  m_page->table()->selectRow(0); // its files do not exist
  QVERIFY(!action(QStringLiteral("Deploy…"))->isEnabled());
  m_page->table()->selectRow(1);
  QVERIFY(action(QStringLiteral("Deploy…"))->isEnabled());
  QVERIFY(action(QStringLiteral("Benchmark…"))->isEnabled());
  m_page->table()->selectAll();
  QVERIFY(!action(QStringLiteral("Deploy…"))->isEnabled());
}

/// Regression: a click on such a row ended the program.
void ExperimentsPageTest::survivesPathsThatCannotBeLookedAt() {
  const std::filesystem::path root = m_fake->directory.path().toStdString();
  std::filesystem::create_symlink("loop", root / "loop");
  std::filesystem::create_directories(root / "closed/inside");
  std::filesystem::permissions(root / "closed", std::filesystem::perms::none);
  auto rows = test::fakeRows();
  rows[0].path = (root / "loop").string();
  rows[1].path = (root / std::string(5000, 'a')).string();
  rows[2].path = (root / "closed/inside").string();
  rows[3].path = "";
  fill(rows);
  for (const int row : {0, 1, 2, 3}) {
    m_page->table()->selectRow(row);
    if (row != 2 || ::geteuid() != 0) // root may look everywhere
      QVERIFY(!action(QStringLiteral("Deploy…"))->isEnabled());
  }
  DeployDialog dialog(*m_fake->session, rows[0].artifact, {});
  QVERIFY(dialog.request().artifact != rows[0].path);
  std::filesystem::permissions(root / "closed", std::filesystem::perms::owner_all);
}

/// Regression: two rows with the same path, and the files of the other one were deleted.
void ExperimentsPageTest::deletesTheSelectedRowAlone() {
  auto rows = test::fakeRows();
  for (auto& row : rows) {
    row.path = m_fake->directory.path().toStdString();
    row.hash = "identity of " + row.artifactName;
  }
  fill(rows);
  m_page->table()->selectRow(3);
  QString question;
  QTimer::singleShot(0, [&question] {
    auto* dialog = qobject_cast<QDialog*>(QApplication::activeModalWidget());
    QVERIFY(dialog);
    for (const QLabel* label : dialog->findChildren<QLabel*>())
      question += label->text();
    for (QPushButton* button : dialog->findChildren<QPushButton*>())
      if (button->text() == QStringLiteral("Delete files"))
        button->click();
  });
  action(QStringLiteral("Delete files…"))->trigger();
  NIB_WAIT(m_fake->session->queue().waitingOrRunning() == 0);
  QVERIFY2(question.contains(m_fake->directory.path()), qPrintable(question));
  QCOMPARE(m_fake->deleted.size(), size_t(1));
  QCOMPARE(m_fake->deleted[0].artifact.string(), rows[3].path);
  QCOMPARE(m_fake->deleted[0].expectedHash, std::string("identity of RTN 3-bit g128"));
}

/// Creates the log of ./nib demo before the page is made.
std::filesystem::path ExperimentsPageTest::addDemoLog() {
  const std::filesystem::path demo = m_fake->session->paths().demoLog;
  std::filesystem::create_directories(demo.parent_path());
  std::ofstream(demo) << "x";
  m_fake->logs[demo] = test::fakeRows();
  m_page.reset();
  m_page = std::make_unique<ExperimentsPage>(*m_fake->session);
  m_page->resize(1300, 860);
  m_page->show();
  return demo;
}

void ExperimentsPageTest::showsTheDemosResultsAfterOneClick() {
  auto* absent = m_page->findChild<QPushButton*>(QStringLiteral("demoResults"));
  QVERIFY(!absent->isVisible());
  const std::filesystem::path demo = addDemoLog();
  auto* button = m_page->findChild<QPushButton*>(QStringLiteral("demoResults"));
  QVERIFY(button->isVisible());
  QTest::mouseClick(button, Qt::LeftButton);
  NIB_WAIT(m_page->table()->isVisible());
  QCOMPARE(m_page->table()->model()->rowCount(), 6);
  QCOMPARE(m_fake->session->paths().log, demo);
}

void ExperimentsPageTest::goesFromLogToLogByTabs() {
  QVERIFY(!tabs()->isVisible()); // only the user's own log exists
  addDemoLog();
  fill({test::fakeRow(9, "mine", 4, 1, 2, 0.5, 1)});
  QVERIFY(tabs()->isVisible());
  QCOMPARE(tabs()->count(), 2);
  QCOMPARE(tabs()->tabText(1), QStringLiteral("Demo"));
  m_page->table()->selectRow(0);
  QTest::mouseClick(tabs(), Qt::LeftButton, {}, tabs()->tabRect(1).center());
  NIB_WAIT(m_page->table()->model()->rowCount() == 6);
  QCOMPARE(tabs()->currentIndex(), 1);
  // Row ids of two logs are unrelated: nothing is selected.
  QVERIFY(!m_page->table()->selectionModel()->hasSelection());
  tabs()->setFocus();
  QTest::keyClick(tabs(), Qt::Key_Left);
  NIB_WAIT(m_page->table()->model()->rowCount() == 1);
}

void ExperimentsPageTest::doesNotScrollFromLogToLog() {
  addDemoLog();
  WheelGuard guard; // as in the window
  qApp->installEventFilter(&guard);
  const QPointF middle = tabs()->rect().center();
  QWheelEvent wheel(middle, tabs()->mapToGlobal(middle), {}, {0, -240}, Qt::NoButton, Qt::NoModifier,
                    Qt::NoScrollPhase, false);
  QCoreApplication::sendEvent(tabs(), &wheel);
  QCOMPARE(tabs()->currentIndex(), 0);
  QVERIFY(!m_fake->session->isOpeningLog());
}

void ExperimentsPageTest::saysWhyALogDoesNotOpen() {
  const std::filesystem::path foreign = m_fake->session->paths().log.parent_path() / "foreign.db";
  std::ofstream(foreign) << "x";
  m_fake->session->openLog(foreign);
  auto* problem = m_page->findChild<QLabel*>(QStringLiteral("logProblem"));
  NIB_WAIT(problem->isVisible());
  QVERIFY(problem->text().contains(QStringLiteral("expected an experiment log")));
  addDemoLog();
  m_fake->session->openLog(m_fake->session->paths().demoLog);
  NIB_WAIT(m_page->table()->isVisible());
  QVERIFY(!m_page->findChild<QLabel*>(QStringLiteral("logProblem"))->isVisible());
}

/// Two rows have their files in the same folder: the job must expect the files of the selected row.
void ExperimentsPageTest::expectsTheFilesOfTheSelectedRow() {
  auto rows = test::fakeRows();
  for (auto& row : rows) {
    row.path = m_fake->directory.path().toStdString();
    row.hash = "identity of " + row.artifactName;
  }
  fill(rows);
  m_page->table()->selectRow(3);
  QTimer::singleShot(0, [] {
    auto* dialog = qobject_cast<QDialog*>(QApplication::activeModalWidget());
    QVERIFY(dialog);
    QTest::keyClick(dialog, Qt::Key_Return);
  });
  action(QStringLiteral("Benchmark…"))->trigger();
  NIB_WAIT(m_fake->session->queue().waitingOrRunning() == 0);
  QCOMPARE(m_fake->benchmarked.size(), size_t(1));
  QCOMPARE(m_fake->benchmarked[0].expectedHash, std::string("identity of RTN 3-bit g128"));
}

} // namespace nibblesmith::ui

NIB_TEST(nibblesmith::ui::ExperimentsPageTest)
#include "experiments_page_test.moc"
