// SPDX-License-Identifier: GPL-3.0-or-later
#include "fakes.hpp"

#include "nib_test.hpp"
#include "quantization/recipe.hpp"
#include "test_data.hpp"
#include "ui/models/number_text.hpp"
#include "ui/pages/recipe/calibration_check.hpp"
#include "ui/pages/recipe/device_fit_card.hpp"
#include "ui/pages/recipe/method_form.hpp"
#include "ui/pages/recipe/mixed_precision_card.hpp"
#include "ui/pages/recipe/recipe_form.hpp"
#include "ui/pages/recipe/recipe_page.hpp"
#include "ui/widgets/form_field.hpp"
#include "ui/widgets/number_boxes.hpp"
#include "ui/widgets/path_field.hpp"
#include "ui/widgets/table_view.hpp"

#include <future>

#include <QApplication>
#include <QCheckBox>
#include <QComboBox>
#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QFloat16>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSignalSpy>
#include <QSpinBox>
#include <QTableView>
#include <QTest>

namespace nibblesmith::ui {

class RecipePageTest : public QObject {
  Q_OBJECT

private slots:
  void init();
  void cannotStartWithoutAModel();
  void proposesAnOutputFolderUntilOneIsTyped();
  void startsTheJobThatTheFormShows();
  void evaluatesAndMeasuresAfterwards();
  void doesNotStartOnAProblem();
  void loadsARecipeOrSaysWhyNot();
  void estimatesWhatIsShown();
  void looksForTroubleInCalibrationData();
  void saysWhereTheResultFits();
  void takesMeasuredBitsIntoTheRecipe();
  void loadsMeasurementsOrSaysWhyNot();
  void nameAndFolderFollowTheRecipe();
  void aTypedNameStays();
  void aLoadedRecipeIsOneOfThePresets();
  void anotherRecipeOfTheSameNameIsNotStarted();
  void namesAndFoldersAreUnique();
  void asksBeforeAnArtifactIsReplaced_data();
  void asksBeforeAnArtifactIsReplaced();
  void refusesAFolderWithOtherFiles();

private:
  QComboBox* preset() const { return m_page->findChild<QComboBox*>(QStringLiteral("preset")); }
  QLineEdit* name() const { return m_page->findChild<QLineEdit*>(QStringLiteral("recipeName")); }
  Int64Box* bits() const { return m_page->form()->grid()->findChild<Int64Box*>(QStringLiteral("bits")); }
  void putArtifact(const QString& folder, const QString& name) const;
  void openModel();
  QPushButton* start() const { return m_page->findChild<QPushButton*>(QStringLiteral("quantize")); }

  std::unique_ptr<test::FakeSession> m_fake;
  std::unique_ptr<RecipePage> m_page;
};

namespace {

std::vector<quantization::Recipe> presets() {
  quantization::Recipe nearest;
  nearest.name = "RTN 4-bit";
  nearest.rounding = {"rtn", base::Json::object()};
  quantization::Recipe learned;
  learned.name = "GPTQ 4-bit";
  learned.rounding = {"gptq", base::Json::object()};
  return {nearest, learned};
}

} // namespace

void RecipePageTest::init() {
  m_page.reset();
  m_fake = std::make_unique<test::FakeSession>();
  qputenv("XDG_DATA_HOME", m_fake->directory.path().toUtf8()); // root of proposed output folders
  m_page = std::make_unique<RecipePage>(m_fake->start(), presets());
  m_page->resize(1200, 800);
  m_page->show();
}

void RecipePageTest::openModel() {
  QSignalSpy changed(m_fake->session.get(), &Session::modelChanged);
  m_fake->session->openModel("/models/demo");
  NIB_WAIT(changed.count() == 1);
}

void RecipePageTest::cannotStartWithoutAModel() {
  QVERIFY(!start()->isEnabled());
  openModel();
  QVERIFY(start()->isEnabled());
}

void RecipePageTest::proposesAnOutputFolderUntilOneIsTyped() {
  openModel();
  QVERIFY2(m_page->output()->path().endsWith(QStringLiteral("/artifacts/demo/rtn-4-bit")),
           qPrintable(m_page->output()->path()));
  auto* preset = m_page->findChild<QComboBox*>(QStringLiteral("preset"));
  QTest::keyClick(preset, Qt::Key_Down);
  QVERIFY(m_page->output()->path().endsWith(QStringLiteral("/gptq-4-bit")));
  m_page->output()->edit()->setText(QStringLiteral("/tmp/mine"));
  QTest::keyClick(preset, Qt::Key_Up);
  QCOMPARE(m_page->output()->path(), QStringLiteral("/tmp/mine"));
}

void RecipePageTest::startsTheJobThatTheFormShows() {
  openModel();
  QSignalSpy page(m_fake->session.get(), &Session::pageRequested);
  QTest::mouseClick(start(), Qt::LeftButton);
  NIB_WAIT(m_fake->session->queue().waitingOrRunning() == 0);
  QCOMPARE(m_fake->quantized.size(), size_t(1));
  QCOMPARE(m_fake->quantized[0].model, std::filesystem::path("/models/demo"));
  QCOMPARE(m_fake->quantized[0].recipe.name, std::string("RTN 4-bit"));
  QVERIFY(m_fake->quantized[0].calibrationFile.empty());
  QCOMPARE(m_fake->evaluated.size(), size_t(0));
  QVERIFY(page.at(0).at(0).value<Page>() == Page::Queue);
}

void RecipePageTest::evaluatesAndMeasuresAfterwards() {
  openModel();
  auto* evaluate = m_page->findChild<QCheckBox*>(QStringLiteral("thenEvaluate"));
  evaluate->setChecked(true);
  m_page->findChild<QCheckBox*>(QStringLiteral("thenBenchmark"))->setChecked(true);
  QTest::mouseClick(start(), Qt::LeftButton);
  QCOMPARE(m_fake->session->queue().ids().size(), size_t(0)); // neither text nor pairs are chosen
  for (auto* field : m_page->findChildren<PathField*>())
    if (field != m_page->output() && field->isVisible())
      field->setPath(test::projectPath("README.md"));
  QTest::mouseClick(start(), Qt::LeftButton);
  QCOMPARE(m_fake->session->queue().ids().size(), size_t(3));
  NIB_WAIT(m_fake->session->queue().waitingOrRunning() == 0);
  QCOMPARE(m_fake->evaluated.size(), size_t(1));
  QCOMPARE(m_fake->evaluated[0].text, nibblesmith::test::projectFile("README.md"));
  QCOMPARE(m_fake->benchmarked.size(), size_t(1));
}

void RecipePageTest::doesNotStartOnAProblem() {
  openModel();
  m_page->output()->setPath(test::projectPath("README.md"));
  QTest::mouseClick(start(), Qt::LeftButton);
  QCOMPARE(m_fake->session->queue().ids().size(), size_t(0));
  const auto labels = m_page->findChildren<QLabel*>();
  QVERIFY(std::any_of(labels.begin(), labels.end(), [](const QLabel* label) {
    return label->isVisible() && label->text().contains(QStringLiteral("Expected a folder"));
  }));
}

void RecipePageTest::loadsARecipeOrSaysWhyNot() {
  const QString path = m_fake->directory.filePath(QStringLiteral("recipe.json"));
  const auto write = [&](const char* text) {
    QFile file(path);
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write(text);
  };
  write(
      R"({"schema": 1, "name": "from a file", "rounding": {"use": "gptq", "blockSize": 32}, "grid": {"use": "affine"}})");
  QVERIFY(m_page->loadRecipe(path));
  QCOMPARE(m_page->form()->recipe().name, std::string("from a file"));
  QCOMPARE(m_page->form()->recipe().rounding.parameters.at("blockSize"), base::Json(32));
  write(R"({"schema": 1, "rounding": {"use": "alchemy"}})");
  QVERIFY(!m_page->loadRecipe(path));
  write("{ not JSON");
  QVERIFY(!m_page->loadRecipe(path));
  QVERIFY(!m_page->loadRecipe(QStringLiteral("/nowhere/recipe.json")));
  QCOMPARE(m_page->form()->recipe().name, std::string("from a file"));
}

void RecipePageTest::estimatesWhatIsShown() {
  openModel();
  QVERIFY(m_page->isEstimating());
  NIB_WAIT(!m_page->isEstimating());
  const auto labels = m_page->findChildren<QLabel*>();
  QVERIFY(std::any_of(labels.begin(), labels.end(), [](const QLabel* label) {
    return label->isVisible() && label->text().contains(QStringLiteral("3.00 times smaller"));
  }));
}

void RecipePageTest::looksForTroubleInCalibrationData() {
  openModel();
  QCOMPARE(m_page->calibrationCheck()->text(), QString()); // RTN needs no calibration data
  auto* preset = m_page->findChild<QComboBox*>(QStringLiteral("preset"));
  QTest::keyClick(preset, Qt::Key_Down);
  m_page->form()->setCalibrationFile(test::projectPath("README.md"));
  QVERIFY(m_page->calibrationCheck()->isBusy());
  NIB_WAIT(!m_page->calibrationCheck()->isBusy());
  const QString text = m_page->calibrationCheck()->text();
  QVERIFY2(text.startsWith(QStringLiteral("1 samples, 512 tokens")), qPrintable(text));
  QVERIFY2(text.endsWith(QStringLiteral("4 of 9 prompts repeat an earlier one (entry 3, entry 5, …)")),
           qPrintable(text));
  QVERIFY(m_page->findChild<QLabel*>(QStringLiteral("calibrationFindings"))->isVisible());
  // The same request is not checked again; a different one is.
  const int before = m_fake->checked;
  emit m_page->form()->changed();
  QVERIFY(!m_page->calibrationCheck()->isBusy());
  QCOMPARE(m_fake->checked.load(), before);
  m_page->findChild<QCheckBox*>(QStringLiteral("thenEvaluate"))->setChecked(true);
  for (auto* field : m_page->findChildren<PathField*>())
    if (field != m_page->output() && field->isVisible() && field->path().isEmpty())
      field->setPath(test::projectPath("LICENSE"));
  NIB_WAIT(!m_page->calibrationCheck()->isBusy());
  QVERIFY2(m_page->calibrationCheck()->text().contains(QStringLiteral("held against ") +
                                                       test::projectPath("LICENSE")),
           qPrintable(m_page->calibrationCheck()->text()));
  // An invalid value is reported next to its field.
  auto* samples = m_page->findChild<Int64Box*>(QStringLiteral("samples"));
  samples->setValue(1001);
  NIB_WAIT(!m_page->calibrationCheck()->isBusy());
  auto* field = qobject_cast<FormField*>(samples->parentWidget());
  QVERIFY(field && field->problem().contains(QStringLiteral("expected at most 8")));
  emit m_page->form()->changed();
  QVERIFY(field->problem().contains(QStringLiteral("expected at most 8")));
}

void RecipePageTest::saysWhereTheResultFits() {
  QVERIFY(!m_page->deviceFit()->table()->isVisible());
  openModel();
  NIB_WAIT(!m_page->deviceFit()->isBusy());
  const QAbstractItemModel& table = *m_page->deviceFit()->table()->model();
  QVERIFY(m_page->deviceFit()->table()->isVisible());
  QCOMPARE(table.rowCount(), 2);
  QCOMPARE(table.index(0, 2).data().toString(), QStringLiteral("no"));
  QCOMPARE(table.index(0, 3).data().toString(), noValue());
  QCOMPARE(table.index(1, 2).data().toString(), QStringLiteral("yes"));
  QCOMPARE(table.index(1, 3).data().toString(), QStringLiteral("≤ 222.0"));
  QVERIFY(table.index(1, 3).data(Qt::ToolTipRole).toString().contains(QStringLiteral("a test")));
  QCOMPARE(m_fake->fitted.back().context, 1024); // the model's own context, which is below the usual one
  // A changed context starts a new estimate, a changed name does not.
  const size_t before = m_fake->fitted.size();
  m_page->deviceFit()->context()->setValue(512);
  NIB_WAIT(!m_page->deviceFit()->isBusy());
  QCOMPARE(m_fake->fitted.size(), before + 1);
  QCOMPARE(m_fake->fitted.back().context, 512);
  m_page->form()->findChild<QLineEdit*>(QStringLiteral("recipeName"))->setText(QStringLiteral("another"));
  NIB_WAIT(!m_page->deviceFit()->isBusy());
  QCOMPARE(m_fake->fitted.size(), before + 1);
}

void RecipePageTest::takesMeasuredBitsIntoTheRecipe() {
  auto* measure = m_page->findChild<QPushButton*>(QStringLiteral("measureLayers"));
  QVERIFY(!measure->isEnabled());
  openModel();
  QVERIFY(!measure->isEnabled()); // no calibration text yet
  m_page->form()->setCalibrationFile(test::projectPath("README.md"));
  QVERIFY(measure->isEnabled());
  QVERIFY(!m_page->mixedPrecision()->map()->isVisible());
  QTest::mouseClick(measure, Qt::LeftButton);
  QVERIFY(!measure->isEnabled()); // while the job runs
  NIB_WAIT(m_fake->session->queue().waitingOrRunning() == 0);
  QVERIFY(measure->isEnabled());
  QCOMPARE(m_fake->measured.size(), size_t(1));
  QCOMPARE(m_fake->measured[0].calibrationFile, nibblesmith::test::projectFile("README.md"));
  QVERIFY(m_page->mixedPrecision()->map()->isVisible());

  const auto overrides = [this] { return m_page->form()->recipe().policy.overrides; };
  auto* take = m_page->findChild<QPushButton*>(QStringLiteral("takeBits"));
  m_page->mixedPrecision()->target()->setValue(4.0);
  QTest::mouseClick(take, Qt::LeftButton);
  const std::vector<quantization::Override> first = {{"model.layers.0.self_attn.q_proj", {{"bits", 8}}},
                                                     {"model.layers.0.mlp.up_proj", {{"bits", 2}}},
                                                     {"model.layers.1.mlp.up_proj", {{"bits", 2}}}};
  QCOMPARE(overrides(), first);
  // The bits for another average replace the first ones.
  m_page->mixedPrecision()->target()->setValue(8.0);
  QTest::mouseClick(take, Qt::LeftButton);
  QCOMPARE(overrides().size(), size_t(3));
  QCOMPARE(overrides()[1].grid, (base::Json{{"bits", 8}}));
  // The measurements do not apply to the layers of another model.
  openModel();
  QVERIFY(!m_page->mixedPrecision()->map()->isVisible());
}

void RecipePageTest::loadsMeasurementsOrSaysWhyNot() {
  openModel();
  const QString path = m_fake->directory.filePath(QStringLiteral("sensitivity.json"));
  const auto write = [&](const std::string& text) {
    QFile file(path);
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write(QByteArray::fromStdString(text));
  };
  auto* problem = m_page->findChild<QLabel*>(QStringLiteral("mixedPrecisionProblem"));
  write(quantization::toJson(test::fakeSensitivity()).dump());
  QVERIFY(m_page->mixedPrecision()->load(path));
  QVERIFY(m_page->mixedPrecision()->map()->isVisible());
  QVERIFY(!problem->isVisible());
  write(R"({"schema": 1, "layers": 5})");
  QVERIFY(!m_page->mixedPrecision()->load(path));
  QVERIFY(problem->isVisible());
  QVERIFY(m_page->mixedPrecision()->map()->isVisible()); // measurements of the first model
}

/// Regression of 0.1.0: after a change of the bits, name, preset and folder were not updated.
void RecipePageTest::nameAndFolderFollowTheRecipe() {
  openModel();
  QCOMPARE(name()->text(), QStringLiteral("RTN 4-bit"));
  bits()->setFocus();
  QTest::keyClick(bits(), Qt::Key_Down);
  QCOMPARE(bits()->value(), 3);
  QCOMPARE(name()->text(), QStringLiteral("RTN 3-bit g128"));
  QCOMPARE(preset()->currentText(), QStringLiteral("RTN 4-bit (modified)"));
  QVERIFY(m_page->output()->path().endsWith(QStringLiteral("/rtn-3-bit-g128")));
  QTest::keyClick(bits(), Qt::Key_Up);
  QCOMPARE(name()->text(), QStringLiteral("RTN 4-bit"));
  QCOMPARE(preset()->currentText(), QStringLiteral("RTN 4-bit"));
  QVERIFY(m_page->output()->path().endsWith(QStringLiteral("/rtn-4-bit")));
  // Settings that equal another preset select that preset.
  auto* rounding = m_page->form()->rounding()->combo();
  rounding->setCurrentIndex(rounding->findData(QStringLiteral("gptq")));
  QCOMPARE(name()->text(), QStringLiteral("GPTQ 4-bit"));
  QCOMPARE(preset()->currentText(), QStringLiteral("GPTQ 4-bit"));
}

void RecipePageTest::aTypedNameStays() {
  openModel();
  name()->setFocus();
  name()->selectAll();
  QTest::keyClicks(name(), QStringLiteral("for the fridge"));
  bits()->setValue(3);
  QCOMPARE(name()->text(), QStringLiteral("for the fridge"));
  QVERIFY(m_page->output()->path().endsWith(QStringLiteral("/for-the-fridge")));
  // If the user clears the name, the next change generates one again.
  name()->clear();
  QCOMPARE(name()->text(), QString());
  bits()->setValue(8);
  QCOMPARE(name()->text(), QStringLiteral("RTN 8-bit g128"));
}

void RecipePageTest::aLoadedRecipeIsOneOfThePresets() {
  openModel();
  const QString path = m_fake->directory.filePath(QStringLiteral("recipe.json"));
  QFile file(path);
  QVERIFY(file.open(QIODevice::WriteOnly));
  file.write(
      R"({"schema": 1, "name": "Pi 4", "rounding": {"use": "rtn"}, "grid": {"use": "affine", "bits": 5}})");
  file.close();
  QVERIFY(m_page->loadRecipe(path));
  QCOMPARE(preset()->currentText(), QStringLiteral("Pi 4"));
  bits()->setValue(6);
  QCOMPARE(name()->text(), QStringLiteral("RTN 6-bit g128"));
  QCOMPARE(preset()->currentText(), QStringLiteral("Pi 4 (modified)"));
  // A second file with the same name contains another recipe: it gets a different name.
  QVERIFY(file.open(QIODevice::WriteOnly | QIODevice::Truncate));
  file.write(
      R"({"schema": 1, "name": "Pi 4", "rounding": {"use": "rtn"}, "grid": {"use": "affine", "bits": 7}})");
  file.close();
  QVERIFY(m_page->loadRecipe(path));
  QCOMPARE(name()->text(), QStringLiteral("Pi 4 (2)"));
}

void RecipePageTest::anotherRecipeOfTheSameNameIsNotStarted() {
  openModel();
  name()->setText(QStringLiteral("mine"));
  QTest::mouseClick(start(), Qt::LeftButton);
  QCOMPARE(m_fake->session->queue().ids().size(), size_t(1));
  bits()->setValue(3);
  QTest::mouseClick(start(), Qt::LeftButton);
  QCOMPARE(m_fake->session->queue().ids().size(), size_t(1));
  auto* field = qobject_cast<FormField*>(name()->parentWidget());
  QVERIFY(field && field->problem().contains(QStringLiteral("has this name already")));
  name()->setText(QStringLiteral("mine, smaller"));
  QVERIFY(field->problem().isEmpty());
  QTest::mouseClick(start(), Qt::LeftButton);
  QCOMPARE(m_fake->session->queue().ids().size(), size_t(2));
  NIB_WAIT(m_fake->session->queue().waitingOrRunning() == 0);
}

/// Names must be unique among the log, the queue and the disk.
void RecipePageTest::namesAndFoldersAreUnique() {
  auto row = test::fakeRow(1, "RTN 3-bit g128", 3, 1, 2, 0.5, 1);
  row.recipe =
      R"({"schema":1,"name":"RTN 3-bit g128","rounding":{"use":"rtn"},"grid":{"use":"affine","bits":3,"symmetric":false}})";
  m_fake->rows = {row};
  m_fake->session->experiments().refresh();
  NIB_WAIT(m_fake->session->experiments().rows().size() == 1);
  openModel();
  const QString folder = QFileInfo(m_page->output()->path()).path();
  putArtifact(folder + QStringLiteral("/rtn-8-bit-g128"), QStringLiteral("something else"));
  bits()->setValue(3);
  QCOMPARE(name()->text(), QStringLiteral("RTN 3-bit g128 (2)"));
  QVERIFY(m_page->output()->path().endsWith(QStringLiteral("/rtn-3-bit-g128-2")));
  bits()->setValue(8);
  QCOMPARE(name()->text(), QStringLiteral("RTN 8-bit g128"));
  QVERIFY(m_page->output()->path().endsWith(QStringLiteral("/rtn-8-bit-g128-2")));
  // "My Recipe!" waits in the queue; "my recipe" gets another folder.
  std::promise<void> go;
  JobSpec blocking;
  blocking.function = [&](const std::stop_token&, base::Progress&) -> std::any {
    go.get_future().wait();
    return {};
  };
  m_fake->session->queue().add(blocking);
  name()->setText(QStringLiteral("My Recipe!"));
  QVERIFY(m_page->output()->path().endsWith(QStringLiteral("/my-recipe")));
  QTest::mouseClick(start(), Qt::LeftButton);
  bits()->setValue(2);
  name()->setText(QStringLiteral("my recipe"));
  QVERIFY2(m_page->output()->path().endsWith(QStringLiteral("/my-recipe-2")),
           qPrintable(m_page->output()->path()));
  QTest::mouseClick(start(), Qt::LeftButton);
  go.set_value();
  NIB_WAIT(m_fake->session->queue().waitingOrRunning() == 0);
  QCOMPARE(m_fake->quantized.size(), size_t(2));
  QVERIFY(m_fake->quantized[0].out != m_fake->quantized[1].out);
}

void RecipePageTest::putArtifact(const QString& folder, const QString& name) const {
  QVERIFY(QDir().mkpath(folder));
  QFile file(folder + QStringLiteral("/nibblesmith.json"));
  QVERIFY(file.open(QIODevice::WriteOnly));
  quantization::Recipe recipe;
  recipe.name = name.toStdString();
  const base::Json json = {{"schema", 1},
                           {"source", {{"name", "demo"}, {"sha256", ""}, {"bytes", 1}}},
                           {"recipe", quantization::toJson(recipe)}};
  file.write(QByteArray::fromStdString(json.dump()));
}

void RecipePageTest::asksBeforeAnArtifactIsReplaced_data() {
  QTest::addColumn<QString>("button");
  QTest::addColumn<int>("jobs");
  QTest::addColumn<bool>("replaces");
  QTest::addColumn<QString>("folder");
  QTest::newRow("replace") << "Replace" << 1 << true << "/there";
  QTest::newRow("keep both") << "Keep both" << 1 << false << "/there-2";
  QTest::newRow("cancel") << "Cancel" << 0 << false << "";
  QTest::newRow("Enter") << "" << 0 << false << "";
}

void RecipePageTest::asksBeforeAnArtifactIsReplaced() {
  QFETCH(QString, button);
  QFETCH(int, jobs);
  QFETCH(bool, replaces);
  QFETCH(QString, folder);
  openModel();
  const QString there = m_fake->directory.filePath(QStringLiteral("there"));
  putArtifact(there, QStringLiteral("RTN 5-bit"));
  m_page->output()->setPath(there);
  QString asked;
  QTimer::singleShot(0, [&] {
    auto* box = QApplication::activeModalWidget();
    QVERIFY(box);
    for (const QLabel* label : box->findChildren<QLabel*>())
      asked += label->text();
    if (button.isEmpty()) {
      QTest::keyClick(box, Qt::Key_Return);
      return;
    }
    for (QPushButton* candidate : box->findChildren<QPushButton*>())
      if (candidate->text().remove(QLatin1Char('&')) == button)
        QTest::mouseClick(candidate, Qt::LeftButton);
  });
  QTest::mouseClick(start(), Qt::LeftButton);
  QVERIFY2(asked.contains(QStringLiteral("RTN 5-bit")) && asked.contains(there), qPrintable(asked));
  NIB_WAIT(m_fake->session->queue().waitingOrRunning() == 0);
  QCOMPARE(m_fake->quantized.size(), size_t(jobs));
  if (jobs == 0)
    return;
  QCOMPARE(m_fake->quantized[0].replace, replaces);
  QVERIFY(QString::fromStdString(m_fake->quantized[0].out.string()).endsWith(folder));
}

void RecipePageTest::refusesAFolderWithOtherFiles() {
  openModel();
  const QString folder = m_fake->directory.filePath(QStringLiteral("photos"));
  QVERIFY(QDir().mkpath(folder));
  QFile file(folder + QStringLiteral("/holiday.jpg"));
  QVERIFY(file.open(QIODevice::WriteOnly));
  m_page->output()->setPath(folder);
  QTest::mouseClick(start(), Qt::LeftButton);
  QCOMPARE(m_fake->session->queue().ids().size(), size_t(0));
  auto* field = qobject_cast<FormField*>(m_page->output()->parentWidget());
  QVERIFY(field && field->problem().contains(QStringLiteral("holds other files")));
}

} // namespace nibblesmith::ui

NIB_TEST(nibblesmith::ui::RecipePageTest)
#include "recipe_page_test.moc"
