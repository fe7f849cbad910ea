// SPDX-License-Identifier: GPL-3.0-or-later
#include "fakes.hpp"

#include "nib_test.hpp"
#include "quantization/layer_report.hpp"
#include "quantization/sensitivity.hpp"
#include "ui/charts/color_scale.hpp"
#include "ui/models/experiment_columns.hpp"
#include "ui/models/job_model.hpp"
#include "ui/models/layer_columns.hpp"
#include "ui/models/number_text.hpp"
#include "ui/models/sensitivity_map.hpp"
#include "ui/models/table_csv.hpp"
#include "ui/models/tensor_columns.hpp"
#include "ui/models/word_filter.hpp"

#include <QAbstractItemModelTester>
#include <QSignalSpy>
#include <QTest>

namespace nibblesmith::ui {

using Tester = QAbstractItemModelTester;

class ItemModelsTest : public QObject {
  Q_OBJECT

private slots:
  void tensors();
  void layers();
  void experiments();
  void experimentsOfOneDataset();
  void csv();
  void sensitivities();
  void jobsComeChangeAndGo();
  void numbersForPeople_data();
  void numbersForPeople();
};

namespace {

template <typename Row>
QString cell(const RecordModel<Row>& model, int row, const char* key, int role = Qt::DisplayRole) {
  for (int column = 0; column < model.columnCount(); ++column)
    if (model.headerData(column, Qt::Horizontal, kColumnKeyRole).toString() == QLatin1String(key))
      return model.index(row, column).data(role).toString();
  return QStringLiteral("no such column");
}

} // namespace

void ItemModelsTest::tensors() {
  RecordModel<model::TensorInfo> model(tensorColumns());
  Tester tester(&model, Tester::FailureReportingMode::QtTest);
  model.setRows(test::fakeSummary().tensors);
  QCOMPARE(model.rowCount(), 4);
  QCOMPARE(cell(model, 0, "name"), QStringLiteral("model.embed_tokens.weight"));
  QCOMPARE(cell(model, 0, "shape"), QStringLiteral("4096 × 256"));
  QCOMPARE(cell(model, 0, "elements"), QStringLiteral("1,048,576"));
  QCOMPARE(cell(model, 0, "bytes"), QStringLiteral("2.00 MiB"));
  QCOMPARE(cell(model, 0, "bytes", kSortRole), QStringLiteral("2097152"));
  model.setRows({});
  QCOMPARE(model.rowCount(), 0);
}

void ItemModelsTest::layers() {
  RecordModel<quantization::LayerReport> model(layerColumns());
  Tester tester(&model, Tester::FailureReportingMode::QtTest);
  quantization::LayerReport layer;
  layer.relativeOutputError = 0.0123;
  layer.fallbacks = {"damping raised to 0.04", "3 dead columns"};
  model.setRows({layer, {}});
  QCOMPARE(cell(model, 0, "outputError"), QStringLiteral("1.23"));
  QCOMPARE(cell(model, 0, "fallbacks"), QStringLiteral("damping raised to 0.04; 3 dead columns"));
  QCOMPARE(cell(model, 1, "fallbacks"), QStringLiteral("none"));
  QCOMPARE(cell(model, 1, "outputError"), noValue());
}

void ItemModelsTest::experiments() {
  RecordModel<ExperimentRow> model(experimentColumns());
  Tester tester(&model, Tester::FailureReportingMode::QtTest);
  auto rows = test::fakeRows();
  rows[1].metrics.clear();
  rows[1].device = "board";
  model.setRows(rows);
  QCOMPARE(cell(model, 0, "perplexity"), QStringLiteral("11.420 ± 0.190"));
  QCOMPARE(cell(model, 0, "rouge1"), QStringLiteral("52.0"));
  QCOMPARE(cell(model, 0, "device"), QStringLiteral("this machine"));
  QCOMPARE(cell(model, 1, "device"), QStringLiteral("board"));
  QCOMPARE(cell(model, 1, "perplexity"), noValue());
  QCOMPARE(cell(model, 1, "tokensPerSecond"), noValue());
  QVERIFY(cell(model, 0, "rouge1", Qt::ToolTipRole).contains(QStringLiteral("synopsis: 42.0")));
}

void ItemModelsTest::experimentsOfOneDataset() {
  const auto rows = test::fakeRows();
  QCOMPARE(datasetsOf(rows), (QStringList{QStringLiteral("health_report"), QStringLiteral("synopsis")}));
  RecordModel<ExperimentRow> model(experimentColumns(QStringLiteral("synopsis")));
  model.setRows(rows);
  QCOMPARE(cell(model, 0, "rouge1"), QStringLiteral("42.0"));
  QCOMPARE(cell(model, 0, "bleu"), noValue());
  QCOMPARE(cell(model, 0, "perplexity"), QStringLiteral("11.420 ± 0.190"));
}

void ItemModelsTest::csv() {
  RecordModel<ExperimentRow> model(experimentColumns());
  auto rows = test::fakeRows();
  rows.resize(2);
  rows[0].artifactName = "odd, \"quoted\" name";
  rows[1].metrics.erase("perplexity");
  model.setRows(rows);
  const QStringList lines = toCsv(model, {1, 4, 6}).split(QLatin1Char('\n'));
  QCOMPARE(lines.at(0), QStringLiteral("artifact,size,perplexity"));
  QCOMPARE(lines.at(1), QStringLiteral("\"odd, \"\"quoted\"\" name\",12687769,11.42"));
  QCOMPARE(lines.at(2), QStringLiteral("RTN 4-bit g128,4823449,"));
}

void ItemModelsTest::sensitivities() {
  SensitivityMap model;
  Tester tester(&model, Tester::FailureReportingMode::QtTest);
  model.setSensitivity(test::fakeSensitivity());
  QCOMPARE(model.rowCount(), 2);
  QCOMPARE(model.columnCount(), 2);
  QCOMPARE(model.headerData(0, Qt::Vertical, Qt::DisplayRole).toString(), QStringLiteral("q"));
  QCOMPARE(model.headerData(0, Qt::Vertical, Qt::ToolTipRole).toString(),
           QStringLiteral("<p>self_attn.q_proj</p>"));
  QCOMPARE(model.widths(), (std::vector<int>{2, 4, 8}));
  QCOMPARE(model.costRange(), std::pair(0.01, 1.0));
  const auto color = [&](int row, int column) {
    return model.index(row, column).data(Qt::BackgroundRole).value<QColor>();
  };
  QCOMPARE(color(0, 0), scaleColor(1.0));
  QVERIFY(qGray(color(1, 0).rgb()) < qGray(color(0, 0).rgb()));
  QCOMPARE(model.index(1, 1).data(SensitivityMap::CostRole).toDouble(), 0.01);
  QVERIFY(!model.index(0, 1).data(Qt::BackgroundRole).isValid());
  QCOMPARE(model.index(0, 1).data(Qt::ToolTipRole).toString(),
           QStringLiteral("<p>Stays as it is stored</p>"));
  model.setShownBits(8);
  QCOMPARE(color(1, 1), scaleColor(0.0));
  QVERIFY(!model.index(0, 0).data().isValid());
  model.setAllocation(quantization::allocateBits(model.sensitivity(), 4.0));
  QCOMPARE(model.index(0, 0).data().toInt(), 8);
  QCOMPARE(model.index(1, 1).data().toInt(), 2);
  QVERIFY(model.index(0, 0).data(Qt::ToolTipRole).toString().contains(QStringLiteral("Chosen: 8 bits")));
  // Names without a block and unrealistic block numbers must not break the map.
  quantization::Sensitivity strange = test::fakeSensitivity();
  strange.layers[0].name = "head";
  strange.layers[1].name = "layers.2147483647.x";
  model.setSensitivity(strange);
  QVERIFY(model.columnCount() <= 4);
  model.clear();
  QCOMPARE(model.rowCount(), 0);
  QCOMPARE(model.columnCount(), 0);
}

void ItemModelsTest::jobsComeChangeAndGo() {
  JobQueue queue;
  JobModel model(queue);
  Tester tester(&model, Tester::FailureReportingMode::QtTest);
  QSignalSpy changed(&model, &QAbstractItemModel::dataChanged);
  const auto add = [&queue](JobFunction function) {
    JobSpec spec;
    spec.title = QStringLiteral("work");
    spec.function = std::move(function);
    return queue.add(std::move(spec));
  };
  add([](const std::stop_token&, base::Progress&) -> std::any { return {}; });
  const JobId failing = add([](const std::stop_token&, base::Progress&) -> std::any {
    throw base::Error(base::ErrorCode::Io, "the disk is full");
  });
  const JobId running = add([](const std::stop_token& stop, base::Progress& progress) {
    progress.report(0.25, "block 2 of 8");
    return test::workUntilStopped(stop);
  });
  QCOMPARE(model.rowCount(), 3);
  NIB_WAIT(queue.job(running)->fraction == 0.25);
  QVERIFY(changed.count() > 0);
  const auto text = [&](int row, int column) { return model.index(row, column).data().toString(); };
  QCOMPARE(text(0, JobModel::Progress), QStringLiteral("finished"));
  QCOMPARE(text(1, JobModel::Progress), QStringLiteral("failed"));
  QVERIFY(model.index(1, 0).data(Qt::ToolTipRole).toString().contains(QStringLiteral("the disk is full")));
  QCOMPARE(text(2, JobModel::Progress), QStringLiteral("block 2 of 8"));
  QCOMPARE(model.index(2, 0).data(JobModel::FractionRole).toDouble(), 0.25);
  queue.clearEnded();
  QCOMPARE(model.rowCount(), 1);
  QCOMPARE(model.id(0), running);
  QCOMPARE(model.rowOf(failing), -1);
  const JobId never = add([](const std::stop_token&, base::Progress&) -> std::any { return {}; });
  queue.cancel(never);
  QCOMPARE(text(model.rowOf(never), JobModel::Progress), QStringLiteral("cancelled"));
  QCOMPARE(text(model.rowOf(never), JobModel::Elapsed), QString());
}

void ItemModelsTest::numbersForPeople_data() {
  QTest::addColumn<QString>("found");
  QTest::addColumn<QString>("expected");
  QTest::newRow("millions") << countText(4'200'000) << QStringLiteral("4.2 M");
  QTest::newRow("many millions") << countText(135'000'000) << QStringLiteral("135 M");
  QTest::newRow("few") << countText(640) << QStringLiteral("640");
  QTest::newRow("four digits") << shortText(0.012345) << QStringLiteral("0.01235");
  QTest::newRow("small") << shortText(1.5e-7) << QStringLiteral("1.5e-07");
  QTest::newRow("nothing") << shortText(std::nullopt) << noValue();
  QTest::newRow("not a number") << fixedText(std::numeric_limits<double>::quiet_NaN(), 2) << noValue();
  QTest::newRow("infinite") << durationText(std::numeric_limits<double>::infinity()) << noValue();
}

void ItemModelsTest::numbersForPeople() {
  QFETCH(QString, found);
  QFETCH(QString, expected);
  QCOMPARE(found, expected);
}

} // namespace nibblesmith::ui

NIB_TEST(nibblesmith::ui::ItemModelsTest)
#include "item_models_test.moc"
