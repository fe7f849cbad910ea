// SPDX-License-Identifier: GPL-3.0-or-later
#include "fakes.hpp"

#include "nib_test.hpp"
#include "ui/models/experiment_columns.hpp"
#include "ui/models/word_filter.hpp"

#include <QAbstractItemModelTester>
#include <QTest>

namespace nibblesmith::ui {

class WordFilterTest : public QObject {
  Q_OBJECT

private slots:
  void init();
  void keepsRowsWithEveryWord_data();
  void keepsRowsWithEveryWord();
  void sortsNumbersAsNumbers();
  void keepsMissingValuesLastInBothOrders();

private:
  QStringList names() const;

  RecordModel<ExperimentRow> m_model{experimentColumns()};
  std::unique_ptr<WordFilter> m_filter;
};

namespace {
enum { ArtifactColumn = 1, SizeColumn = 4, PerplexityColumn = 6 };
}

void WordFilterTest::init() {
  m_filter = std::make_unique<WordFilter>();
  m_filter->setSourceModel(&m_model);
  m_model.setRows(test::fakeRows());
}

QStringList WordFilterTest::names() const {
  QStringList names;
  for (int row = 0; row < m_filter->rowCount(); ++row)
    names << m_filter->index(row, ArtifactColumn).data().toString();
  return names;
}

void WordFilterTest::keepsRowsWithEveryWord_data() {
  QTest::addColumn<QString>("text");
  QTest::addColumn<int>("rows");
  QTest::newRow("all") << QString() << 6;
  QTest::newRow("spaces") << QStringLiteral("   ") << 6;
  QTest::newRow("one word, any case") << QStringLiteral("gPtQ") << 3;
  QTest::newRow("two words of one column") << QStringLiteral("gptq 3-bit") << 1;
  QTest::newRow("two words of two columns") << QStringLiteral("rtn 21.7") << 1;
  QTest::newRow("a word that is nowhere") << QStringLiteral("gptq awq") << 0;
}

void WordFilterTest::keepsRowsWithEveryWord() {
  QAbstractItemModelTester tester(m_filter.get(), QAbstractItemModelTester::FailureReportingMode::QtTest);
  QFETCH(QString, text);
  QFETCH(int, rows);
  m_filter->setFilterText(text);
  QCOMPARE(m_filter->rowCount(), rows);
  m_filter->setFilterText({});
  QCOMPARE(m_filter->rowCount(), 6);
}

void WordFilterTest::sortsNumbersAsNumbers() {
  // Sorted as text, "12.1 MiB" would come before "4.0 MiB".
  m_filter->sort(SizeColumn, Qt::AscendingOrder);
  QCOMPARE(names().constLast(), QStringLiteral("demo"));
  m_filter->sort(PerplexityColumn, Qt::DescendingOrder);
  QCOMPARE(names().constFirst(), QStringLiteral("RTN 3-bit g128"));
}

void WordFilterTest::keepsMissingValuesLastInBothOrders() {
  auto rows = test::fakeRows();
  rows[0].metrics.erase("perplexity");
  m_model.setRows(rows);
  m_filter->sort(PerplexityColumn, Qt::AscendingOrder);
  QCOMPARE(names().constLast(), QStringLiteral("demo"));
  m_filter->sort(PerplexityColumn, Qt::DescendingOrder);
  QCOMPARE(names().constLast(), QStringLiteral("demo"));
}

} // namespace nibblesmith::ui

NIB_TEST(nibblesmith::ui::WordFilterTest)
#include "word_filter_test.moc"
