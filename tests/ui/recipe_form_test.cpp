// SPDX-License-Identifier: GPL-3.0-or-later
#include "fakes.hpp"

#include "nib_test.hpp"
#include "quantization/activation_plan.hpp"
#include "quantization/recipe.hpp"
#include "ui/pages/recipe/calibration_form.hpp"
#include "ui/pages/recipe/method_form.hpp"
#include "ui/pages/recipe/policy_editor.hpp"
#include "ui/pages/recipe/recipe_form.hpp"
#include "ui/pages/recipe/transform_list.hpp"
#include "ui/widgets/form_field.hpp"
#include "ui/widgets/parameter_form.hpp"

#include <QComboBox>
#include <QFloat16>
#include <QLineEdit>
#include <QPushButton>
#include <QTableWidget>
#include <QTest>
#include <QToolButton>

namespace nibblesmith::ui {

using base::Json;
using quantization::Recipe;

class RecipeFormTest : public QObject {
  Q_OBJECT

private slots:
  void init() { m_form = std::make_unique<RecipeForm>(m_methods); }
  void roundTrips_data();
  void roundTrips();
  void remembersTheParametersOfAMethodThatWasLeft();
  void choosesTransforms();
  void choosesActivations();
  void saysWhatIsWrongWithTheKeyValueCache();
  void wantsCalibrationOnlyWhereItIsNeeded();
  void readsOverrides_data();
  void readsOverrides();
  void refusesOverridesItDoesNotUnderstand_data();
  void refusesOverridesItDoesNotUnderstand();
  void addsAndRemovesOverrides();
  void showsTheCoresProblemAtTheFieldItNames();

private:
  test::FakeMethods m_methods;
  std::unique_ptr<RecipeForm> m_form;
};

namespace {

Json recipeJson(const char* extra) {
  Json json = Json::parse(R"({"schema": 1, "name": "a recipe", "rounding": {"use": "gptq"},
                              "grid": {"use": "affine"}})");
  json.update(Json::parse(extra));
  return json;
}

} // namespace

void RecipeFormTest::roundTrips_data() {
  QTest::addColumn<QByteArray>("json");
  const auto row = [](const char* name, const char* extra) {
    QTest::newRow(name) << QByteArray::fromStdString(recipeJson(extra).dump());
  };
  row("defaults", "{}");
  row("another method", R"({"rounding": {"use": "rtn"}})");
  row("parameters", R"({"rounding": {"use": "gptq", "dampFraction": 0.03, "blockSize": 64, "groups": 48,
                        "actOrder": "static", "staticGroups": false}})");
  row("a grid",
      R"({"grid": {"use": "affine", "bits": 3, "granularity": "group", "groupSize": 64, "symmetric": false}})");
  row("a policy",
      R"({"policy": {"keep": ["lm_head"], "overrides": [{"match": "layers.0.*", "grid": {"bits": 8}}]}})");
  row("a policy for inputs",
      R"({"activations": {"use": "int8", "mode": "static"}, "grid": {"use": "affine", "bits": 8},
      "policy": {"keep": ["lm_head"], "overrides": [{"match": "*.down_proj", "activations": {"mode": "dynamic"}}]}})");
  row("no policy", R"({"policy": {"keep": [], "overrides": []}})");
  row("calibration",
      R"({"calibration": {"samples": 32, "length": 256, "sampling": "first", "seed": 4294967296}})");
  row("calibration of chats",
      R"({"calibration": {"sampling": "diverse", "packing": "none", "chatTemplate": "all"}})");
  row("activations",
      R"({"activations": {"use": "int8", "mode": "static", "calibrator": "percentile", "percentile": 99.5}})");
  row("outliers", R"({"activations": {"use": "llm.int8", "threshold": 5.0}})");
  row("a key-value cache", R"({"kvCache": "int8"})");
  row("a key-value cache's parameters",
      R"({"kvCache": {"use": "int4", "keys": "token", "groupSize": 64, "residual": 0}})");
  row("a transform", R"({"transforms": [{"use": "awq", "clip": false}], "rounding": {"use": "rtn"}})");
  row("two transforms", R"({"transforms": [{"use": "awq"}, {"use": "awq", "clip": false}]})");
}

void RecipeFormTest::roundTrips() {
  QFETCH(QByteArray, json);
  const Recipe recipe = quantization::recipeFromJson(Json::parse(json.toStdString()), "test");
  m_form->setRecipe({});
  m_form->setRecipe(recipe);
  QCOMPARE(quantization::toJson(m_form->recipe()).dump(), quantization::toJson(recipe).dump());
}

void RecipeFormTest::remembersTheParametersOfAMethodThatWasLeft() {
  m_form->setRecipe(
      quantization::recipeFromJson(recipeJson(R"({"rounding": {"use": "gptq", "blockSize": 64}})"), "test"));
  QComboBox* combo = m_form->rounding()->combo();
  combo->setCurrentIndex(combo->findData(QStringLiteral("rtn")));
  QCOMPARE(m_form->recipe().rounding.use, std::string("rtn"));
  QCOMPARE(m_form->recipe().rounding.parameters, Json::object());
  combo->setCurrentIndex(combo->findData(QStringLiteral("gptq")));
  QCOMPARE(m_form->recipe().rounding.parameters, (Json{{"blockSize", 64}}));
}

void RecipeFormTest::choosesTransforms() {
  m_form->setRecipe(quantization::recipeFromJson(recipeJson(R"({"rounding": {"use": "rtn"}})"), "test"));
  m_form->setCalibrationFile(QStringLiteral("/prompts.json"));
  QVERIFY(m_form->recipe().transforms.empty());
  auto* add = m_form->findChild<QPushButton*>(QStringLiteral("addTransform"));
  QTest::mouseClick(add, Qt::LeftButton);
  QCOMPARE(m_form->recipe().transforms, (std::vector<quantization::MethodChoice>{{"awq", Json::object()}}));
  // The transform needs calibration text, although the rounding does not.
  QCOMPARE(m_form->calibrationFile(), QStringLiteral("/prompts.json"));
  QTest::mouseClick(add, Qt::LeftButton);
  QVERIFY(!add->isEnabled()); // all transforms are in use
  const auto uses = [this] {
    QStringList names;
    for (const auto& transform : m_form->recipe().transforms)
      names << QString::fromStdString(transform.use);
    return names;
  };
  QCOMPARE(uses(), (QStringList{QStringLiteral("awq"), QStringLiteral("rotation")}));
  QTest::mouseClick(m_form->findChildren<QToolButton*>(QStringLiteral("moveTransformUp")).at(1),
                    Qt::LeftButton);
  QCOMPARE(uses(), (QStringList{QStringLiteral("rotation"), QStringLiteral("awq")}));
  QVERIFY(m_form->showProblem(QStringLiteral("rotation: 'rotationSeed': expected something else")));
  m_form->transforms()->remove(1);
  m_form->transforms()->remove(0);
  QVERIFY(uses().isEmpty());
  QVERIFY(add->isEnabled());
  QCOMPARE(m_form->calibrationFile(), QString());
}

void RecipeFormTest::choosesActivations() {
  m_form->setRecipe(quantization::recipeFromJson(recipeJson(R"({"rounding": {"use": "rtn"}})"), "test"));
  m_form->setCalibrationFile(QStringLiteral("/prompts.json"));
  QComboBox* combo = m_form->activations()->combo();
  combo->setCurrentIndex(combo->findData(QStringLiteral("int8")));
  QCOMPARE(m_form->recipe().activations.use, std::string("int8"));
  // Dynamic activation scales need no calibration text; static ones do.
  QCOMPARE(m_form->calibrationFile(), QString());
  auto* mode = qobject_cast<QComboBox*>(m_form->activations()->parameters()->editor("mode"));
  QVERIFY(mode);
  mode->setCurrentIndex(mode->findText(QStringLiteral("static")));
  QCOMPARE(m_form->recipe().activations.parameters, (Json{{"mode", "static"}}));
  QCOMPARE(m_form->calibrationFile(), QStringLiteral("/prompts.json"));
  QVERIFY(m_form->showProblem(QStringLiteral("int8: 'calibrator': expected something else")));
  combo->setCurrentIndex(combo->findData(QStringLiteral("none")));
  QCOMPARE(quantization::toJson(m_form->recipe())["activations"], (Json{{"use", "none"}}));
}

void RecipeFormTest::saysWhatIsWrongWithTheKeyValueCache() {
  const auto problem = [this] {
    for (const FormField* field : m_form->cache()->findChildren<FormField*>())
      if (!field->problem().isEmpty())
        return field->problem();
    return QString();
  };
  const auto set = [this](const char* cache) {
    m_form->setRecipe(quantization::recipeFromJson(recipeJson(cache), "test"));
  };
  set(R"({"rounding": {"use": "rtn"}, "kvCache": {"use": "int4", "groupSize": 128, "residual": 64}})");
  QVERIFY(!m_form->check());
  QVERIFY2(problem().contains(QStringLiteral("'residual': expected a multiple of the group size 128")),
           qPrintable(problem()));
  set(R"({"rounding": {"use": "rtn"}, "kvCache": "int4"})");
  QVERIFY(m_form->check());
  QCOMPARE(problem(), QString());
  QComboBox* combo = m_form->cache()->combo();
  combo->setCurrentIndex(combo->findData(QStringLiteral("int8")));
  QCOMPARE(m_form->recipe().kvCache.use, std::string("int8"));
  QVERIFY(m_form->showProblem(QStringLiteral("recipe: 'kvCache': something")));
  QVERIFY(problem().contains(QStringLiteral("something")));
}

void RecipeFormTest::wantsCalibrationOnlyWhereItIsNeeded() {
  m_form->setRecipe(quantization::recipeFromJson(recipeJson("{}"), "test"));
  QVERIFY(!m_form->check());
  m_form->setCalibrationFile(QStringLiteral("/nowhere/prompts.json"));
  QVERIFY(!m_form->check());
  m_form->setCalibrationFile(test::projectPath("README.md"));
  QVERIFY(m_form->check());
  QVERIFY(!m_form->calibrationFile().isEmpty());
  m_form->setRecipe(quantization::recipeFromJson(recipeJson(R"({"rounding": {"use": "rtn"}})"), "test"));
  QVERIFY(m_form->calibrationFile().isEmpty());
  m_form->setCalibrationFile({});
  QVERIFY(m_form->check());
  // Static inputs of one layer are enough to need calibration text.
  m_form->setRecipe(
      quantization::recipeFromJson(recipeJson(R"({"rounding": {"use": "rtn"}, "activations": {"use": "int8"},
      "policy": {"overrides": [{"match": "*.k_proj", "activations": {"mode": "static"}}]}})"),
                                   "test"));
  QVERIFY(!m_form->check());
  m_form->policy()->overrides()->item(0, 1)->setText(QStringLiteral("inputs.symmetric=no"));
  QVERIFY(m_form->check());
}

void RecipeFormTest::readsOverrides_data() {
  QTest::addColumn<QString>("text");
  QTest::addColumn<QByteArray>("json");
  QTest::addColumn<QByteArray>("inputs");
  QTest::newRow("one") << QStringLiteral("bits=8") << QByteArray(R"({"bits":8})") << QByteArray("{}");
  QTest::newRow("several") << QStringLiteral(" bits = 8 , groupSize=32,symmetric=no ")
                           << QByteArray(R"({"bits":8,"groupSize":32,"symmetric":false})")
                           << QByteArray("{}");
  QTest::newRow("another grid") << QStringLiteral("use=nf4, groupSize=32, doubleQuant=yes")
                                << QByteArray(R"({"doubleQuant":true,"groupSize":32,"use":"nf4"})")
                                << QByteArray("{}");
  QTest::newRow("choice") << QStringLiteral("granularity=channel")
                          << QByteArray(R"({"granularity":"channel"})") << QByteArray("{}");
  QTest::newRow("inputs") << QStringLiteral("inputs.mode=dynamic") << QByteArray("{}")
                          << QByteArray(R"({"mode":"dynamic"})");
  QTest::newRow("no rounded inputs") << QStringLiteral("inputs.use=none, bits=4")
                                     << QByteArray(R"({"bits":4})") << QByteArray(R"({"use":"none"})");
}

void RecipeFormTest::readsOverrides() {
  QFETCH(QString, text);
  QFETCH(QByteArray, json);
  QFETCH(QByteArray, inputs);
  const auto& grid = quantization::gridDescription("affine");
  const auto& activations = quantization::activationDescription("int8");
  const quantization::Override change = parseChange(text, grid, activations);
  QCOMPARE(change.grid.dump(), json.toStdString());
  QCOMPARE(change.activations.dump(), inputs.toStdString());
  QVERIFY(parseChange(changeText(change), grid, activations) == change);
}

void RecipeFormTest::refusesOverridesItDoesNotUnderstand_data() {
  QTest::addColumn<QString>("text");
  QTest::newRow("no value") << QStringLiteral("bits");
  QTest::newRow("no number") << QStringLiteral("bits=many");
  QTest::newRow("unknown") << QStringLiteral("colour=8");
  QTest::newRow("no choice") << QStringLiteral("granularity=everything");
  QTest::newRow("unknown grid") << QStringLiteral("use=magic");
  QTest::newRow("parameter of another grid") << QStringLiteral("use=nf4, bits=8");
  QTest::newRow("inputs that are not rounded") << QStringLiteral("inputs.mode=dynamic");
  QTest::newRow("unknown inputs") << QStringLiteral("inputs.use=int3");
  QTest::newRow("nothing") << QString();
}

void RecipeFormTest::refusesOverridesItDoesNotUnderstand() {
  QFETCH(QString, text);
  m_form->setRecipe(quantization::recipeFromJson(recipeJson(R"({"rounding": {"use": "rtn"},
      "policy": {"overrides": [{"match": "layers.0.*", "grid": {"bits": 8}}]}})"),
                                                 "test"));
  QVERIFY(m_form->check());
  m_form->policy()->overrides()->item(0, 1)->setText(text);
  QVERIFY(!m_form->check());
}

void RecipeFormTest::addsAndRemovesOverrides() {
  m_form->setRecipe({});
  auto* add = m_form->findChild<QToolButton*>(QStringLiteral("addOverride"));
  QTest::mouseClick(add, Qt::LeftButton);
  QCOMPARE(m_form->recipe().policy.overrides.size(), size_t(1));
  QCOMPARE(m_form->recipe().policy.overrides[0].grid, (Json{{"bits", 8}}));
  m_form->policy()->keep()->setText(QStringLiteral(" lm_head ,, layers.1.* "));
  QCOMPARE(m_form->recipe().policy.keep, (std::vector<std::string>{"lm_head", "layers.1.*"}));
}

void RecipeFormTest::showsTheCoresProblemAtTheFieldItNames() {
  m_form->setRecipe({});
  QVERIFY(m_form->showProblem(QStringLiteral("grid: groupSize 96 does not divide 256")));
  QVERIFY(!m_form->showProblem(QStringLiteral("the moon is full")));
}

} // namespace nibblesmith::ui

NIB_TEST(nibblesmith::ui::RecipeFormTest)
#include "recipe_form_test.moc"
