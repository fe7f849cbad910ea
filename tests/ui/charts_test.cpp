// SPDX-License-Identifier: GPL-3.0-or-later
#include "fakes.hpp"

#include "nib_test.hpp"
#include "ui/charts/chart_export.hpp"
#include "ui/charts/chart_frame.hpp"
#include "ui/charts/point_labels.hpp"
#include "ui/charts/wrapped_legend.hpp"
#include "ui/session/text.hpp"
#include "ui/widgets/theme.hpp"

#include <QBarSet>
#include <QChart>
#include <QFile>
#include <QHorizontalBarSeries>
#include <QImage>
#include <QScatterSeries>
#include <QTest>
#include <QValueAxis>

#include <set>

namespace nibblesmith::ui {

class ChartsTest : public QObject {
  Q_OBJECT

private slots:
  void leavesOutRowsWithoutFigures();
  void namesTellRowsApart();
  void qualityHasAPointPerRow();
  void qualityHasAColourPerMethodOrPerModel();
  void namesOfCrowdedPointsStayApart();
  void longNamesOfColoursTakeFurtherRows();
  void qualityTurnsLogarithmicForWildPerplexities();
  void rougeShowsOneDataset();
  void showsAtMostTwelveRows();
  void rendersFilesWithoutAWindow();
  void saysWhichFileCannotBeWritten();
  void stepsAreRound_data();
  void stepsAreRound();
};

void ChartsTest::leavesOutRowsWithoutFigures() {
  auto rows = test::fakeRows();
  QVERIFY(hasChartData(ChartKind::Latency, rows));
  for (auto& row : rows)
    row.metrics.erase("tokenMsP50");
  QVERIFY(!hasChartData(ChartKind::Latency, rows));
  QVERIFY(hasChartData(ChartKind::Quality, rows));
  QVERIFY(!hasChartData(ChartKind::Quality, {}));
}

void ChartsTest::namesTellRowsApart() {
  auto rows = test::fakeRows();
  rows.resize(2);
  QCOMPARE(chartNames(rows), (QStringList{QStringLiteral("demo"), QStringLiteral("RTN 4-bit g128")}));
  rows[1].device = "board";
  QCOMPARE(chartNames(rows),
           (QStringList{QStringLiteral("demo (here)"), QStringLiteral("RTN 4-bit g128 (board)")}));
  rows[1].device.clear();
  rows[1].modelName = "other";
  QCOMPARE(chartNames(rows), (QStringList{QStringLiteral("demo"), QStringLiteral("other, RTN 4-bit g128")}));
}

void ChartsTest::qualityHasAPointPerRow() {
  auto rows = test::fakeRows();
  rows[0].method = "none"; // the first colour
  const auto chart = makeChart(ChartKind::Quality, rows, {});
  qsizetype count = 0;
  for (const QAbstractSeries* series : chart->series())
    count += qobject_cast<const QScatterSeries*>(series)->count();
  QCOMPARE(count, qsizetype(6));
  const auto* points = qobject_cast<QScatterSeries*>(chart->series().constFirst());
  QVERIFY(qAbs(points->at(0).x() - 12.1) < 1e-6);
  QCOMPARE(points->at(0).y(), 11.42);
  const auto* y = qobject_cast<QValueAxis*>(chart->axes(Qt::Vertical).constFirst());
  QVERIFY(y && y->min() <= 11 && y->max() >= 22);
}

void ChartsTest::qualityHasAColourPerMethodOrPerModel() {
  const auto seriesNames = [](const ChartRows& rows) {
    const auto chart = makeChart(ChartKind::Quality, rows, {});
    QStringList names;
    for (const QAbstractSeries* series : chart->series())
      names << series->name();
    return names;
  };
  auto rows = test::fakeRows();
  rows[0].method = "none";
  QCOMPARE(seriesNames(rows),
           (QStringList{QStringLiteral("not quantized"), QStringLiteral("GPTQ"), QStringLiteral("RTN")}));
  rows[1].modelName = "other";
  QCOMPARE(seriesNames(rows), (QStringList{QStringLiteral("demo"), QStringLiteral("other")}));
  const auto colourOfGptq = [](const ChartRows& shown) {
    const auto chart = makeChart(ChartKind::Quality, shown, {});
    for (const QAbstractSeries* series : chart->series())
      if (series->name() == QStringLiteral("GPTQ"))
        return qobject_cast<const QScatterSeries*>(series)->color();
    return QColor();
  };
  rows = test::fakeRows();
  rows[0].method = "none";
  const QColor whole = colourOfGptq(rows);
  QVERIFY(whole.isValid());
  QCOMPARE(colourOfGptq({rows[2]}), whole); // without the unquantized model and without RTN
}

void ChartsTest::namesOfCrowdedPointsStayApart() {
  // Points of the demo's runs in the smallest chart: two pairs of neighbours, one of them at the left edge.
  const QSizeF size(100, 15);
  std::vector<PlacedName> names;
  std::vector<QRectF> obstacles;
  for (const QPointF& point : {QPointF(412, 70), QPointF(106, 65), QPointF(106, 68), QPointF(80, 50),
                               QPointF(80, 60), QPointF(210, 69)}) {
    names.push_back({point, size, {}});
    obstacles.emplace_back(point.x() - 5, point.y() - 5, 10, 10);
  }
  const QRectF area(0, 0, 460, 110);
  placeNames(names, obstacles, area);
  for (size_t i = 0; i < names.size(); ++i) {
    QVERIFY(area.contains(names[i].place));
    for (const QRectF& obstacle : obstacles)
      QVERIFY(!names[i].place.intersects(obstacle));
    for (size_t j = 0; j < i; ++j)
      QVERIFY(!names[i].place.intersects(names[j].place));
  }
}

void ChartsTest::longNamesOfColoursTakeFurtherRows() {
  const ChartStyle style = chartStyleOf(QPalette());
  const auto chart = makeStyledChart(style);
  std::vector<LegendEntry> entries;
  for (int i = 0; i < 5; ++i)
    entries.push_back(
        {QStringLiteral("Rotation + AWQ + GPTQ + coordinate descent %1").arg(i), seriesColor(i, style)});
  const auto* legend = new WrappedLegend(chart.get(), entries, style);
  chart->resize(4000, 400);
  const int oneRow = chart->margins().bottom();
  for (const int width : {700, 350}) {
    chart->resize(width, 400);
    QVERIFY(chart->margins().bottom() > (width == 700 ? 2 : 4) * (oneRow - 2 * chart->margins().top()));
    QVERIFY(legend->pos().y() >= 400 - chart->margins().bottom());
  }
  chart->resize(4000, 400);
  QCOMPARE(chart->margins().bottom(), oneRow);
}

void ChartsTest::qualityTurnsLogarithmicForWildPerplexities() {
  auto rows = test::fakeRows();
  rows[3].metrics["perplexity"] = 4000;
  const auto chart = makeChart(ChartKind::Quality, rows, {});
  QVERIFY(!qobject_cast<QValueAxis*>(chart->axes(Qt::Vertical).constFirst()));
}

void ChartsTest::rougeShowsOneDataset() {
  const auto first = [](const QString& dataset) {
    const auto chart = makeChart(ChartKind::Rouge, test::fakeRows(), {}, dataset);
    const auto* bars = qobject_cast<QHorizontalBarSeries*>(chart->series().constFirst());
    // Qt Charts draws sets and categories from the bottom up.
    const QBarSet* rouge1 = bars->barSets().constLast();
    return rouge1->at(rouge1->count() - 1);
  };
  QVERIFY(qAbs(first({}) - 52) < 1e-9);
  QVERIFY(qAbs(first(QStringLiteral("synopsis")) - 42) < 1e-9);
  QVERIFY(hasChartData(ChartKind::Rouge, test::fakeRows(), QStringLiteral("synopsis")));
  QVERIFY(!hasChartData(ChartKind::Rouge, test::fakeRows(), QStringLiteral("nothing")));
}

void ChartsTest::showsAtMostTwelveRows() {
  ChartRows rows;
  for (int i = 0; i < 40; ++i)
    rows.push_back(test::fakeRow(i, "same name", 4, 4, 12, 0.5, 2));
  const auto chart = makeChart(ChartKind::Latency, rows, {});
  const auto* bars = qobject_cast<QHorizontalBarSeries*>(chart->series().constFirst());
  QCOMPARE(bars->barSets().constFirst()->count(), 12);
}

void ChartsTest::rendersFilesWithoutAWindow() {
  QTemporaryDir directory;
  for (const QPalette& palette : {lightPalette(), darkPalette()}) {
    const ChartStyle style = chartStyleOf(palette);
    const auto files = renderCharts(test::fakeRows(), directory.path().toStdString() + "/charts", style);
    QCOMPARE(files.size(), size_t(canWriteSvg() ? 8 : 4));
    for (const std::filesystem::path& file : files) {
      if (file.extension() == ".svg") {
        QFile svg(toQString(file));
        QVERIFY(svg.open(QIODevice::ReadOnly));
        QVERIFY(svg.readAll().contains("<svg"));
        continue;
      }
      const QImage image(toQString(file));
      QCOMPARE(image.size(), (kExportSize * 2).toSize());
      QCOMPARE(image.pixelColor(2, 2), style.background);
      std::set<QRgb> colors;
      for (int y = 0; y < image.height(); y += 3)
        for (int x = 0; x < image.width(); x += 3)
          colors.insert(image.pixel(x, y));
      QVERIFY2(colors.size() > 20, file.c_str()); // an empty chart has only a few
    }
  }
}

void ChartsTest::saysWhichFileCannotBeWritten() {
  try {
    saveChart(ChartKind::Memory, test::fakeRows(), {}, {}, "/nowhere/at/all/memory.png");
    QFAIL("an error is expected");
  } catch (const base::Error& error) {
    QVERIFY(std::string(error.what()).find("/nowhere/at/all/memory.png") != std::string::npos);
  }
}

void ChartsTest::stepsAreRound_data() {
  QTest::addColumn<double>("range");
  QTest::addColumn<double>("step");
  QTest::addColumn<int>("decimals");
  QTest::newRow("ten") << 10.0 << 2.0 << 0;
  QTest::newRow("eleven") << 11.0 << 5.0 << 0;
  QTest::newRow("one") << 1.0 << 0.2 << 1;
  QTest::newRow("small") << 0.012 << 0.005 << 3;
  QTest::newRow("large") << 70000.0 << 20000.0 << 0;
  QTest::newRow("nothing") << 0.0 << 1.0 << 0;
}

void ChartsTest::stepsAreRound() {
  QFETCH(double, range);
  QFETCH(double, step);
  QFETCH(int, decimals);
  QVERIFY(qAbs(niceStep(range, 5) - step) < 1e-12);
  QCOMPARE(decimalsOf(step), decimals);
}

} // namespace nibblesmith::ui

NIB_TEST(nibblesmith::ui::ChartsTest)
#include "charts_test.moc"
