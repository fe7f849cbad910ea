// SPDX-License-Identifier: GPL-3.0-or-later
#include "fakes.hpp"

#include "nib_test.hpp"
#include "ui/charts/chart_panel.hpp"
#include "ui/pages/experiments/experiments_page.hpp"
#include "ui/widgets/table_view.hpp"

#include <QAction>
#include <QComboBox>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QTest>

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

private:
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
  m_page->table()->selectRow(0); // its files are gone
  QVERIFY(!action(QStringLiteral("Deploy…"))->isEnabled());
  m_page->table()->selectRow(1);
  QVERIFY(action(QStringLiteral("Deploy…"))->isEnabled());
  QVERIFY(action(QStringLiteral("Benchmark…"))->isEnabled());
  m_page->table()->selectAll();
  QVERIFY(!action(QStringLiteral("Deploy…"))->isEnabled());
}

} // namespace nibblesmith::ui

NIB_TEST(nibblesmith::ui::ExperimentsPageTest)
#include "experiments_page_test.moc"
