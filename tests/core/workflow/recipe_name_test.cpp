// SPDX-License-Identifier: Apache-2.0
#include "workflow/recipe_name.hpp"

#include "host/plugin_catalog.hpp"
#include "nib_test.hpp"
#include "test_data.hpp"
#include "workflow/recipes.hpp"

#include <set>

#include <QTest>

using namespace nibblesmith;
using quantization::Recipe;

class RecipeNameTest : public QObject {
  Q_OBJECT

  const plugins::PluginCatalog m_methods{{test::builtFile("plugins")}};

  std::string nameOf(const Recipe& recipe) const { return workflow::recipeName(recipe, m_methods); }

  static Recipe gptq() {
    Recipe recipe;
    recipe.rounding.use = "gptq";
    recipe.grid.parameters = {{"bits", 4}, {"groupSize", 128}};
    return recipe;
  }

private slots:
  void theNameFollowsTheRecipe() {
    Recipe recipe = gptq();
    QCOMPARE(nameOf(recipe), std::string("GPTQ 4-bit g128"));
    recipe.grid.parameters["bits"] = 3;
    QCOMPARE(nameOf(recipe), std::string("GPTQ 3-bit g128"));
    recipe.grid.parameters["symmetric"] = false;
    QCOMPARE(nameOf(recipe), std::string("GPTQ 3-bit g128 asymmetric"));
    recipe.grid.parameters["granularity"] = "channel";
    QCOMPARE(nameOf(recipe), std::string("GPTQ 3-bit per channel asymmetric"));
    recipe.transforms = {{"awq", base::Json::object()}};
    QCOMPARE(nameOf(recipe), std::string("AWQ + GPTQ 3-bit per channel asymmetric"));
    recipe.rounding = {"rtn", base::Json::object()};
    QCOMPARE(nameOf(recipe), std::string("AWQ 3-bit per channel asymmetric"));
    recipe.transforms.clear();
    recipe.grid = {"nf4", {{"groupSize", 64}}};
    QCOMPARE(nameOf(recipe), std::string("RTN NF4 group 64"));
  }

  void everySettingThatIsNotTheDefaultIsInIt() {
    Recipe recipe = gptq();
    recipe.rounding.parameters = {{"dampFraction", 0.02}, {"actOrder", "static"}};
    recipe.calibration.samples = 64;
    recipe.calibration.seed = 7;
    QCOMPARE(nameOf(recipe), std::string("GPTQ 4-bit g128, damping 0.02, 64 samples, seed 7"));
    recipe = gptq();
    recipe.activations = {"int8", {{"mode", "static"}}};
    recipe.kvCache.use = "int8";
    recipe.policy.keep = {};
    recipe.policy.overrides = {{"layers.0.*", {{"bits", 8}}, base::Json::object()}};
    QCOMPARE(nameOf(recipe),
             std::string("GPTQ 4-bit g128, static int8 inputs, int8 cache, keeps nothing, 1 override"));
  }

  void calibrationDoesNotCountWhereNobodyLooksAtIt() {
    Recipe recipe = gptq();
    recipe.rounding.use = "rtn";
    Recipe other = recipe;
    other.calibration.samples = 7;
    QCOMPARE(nameOf(other), std::string("RTN 4-bit g128"));
    QVERIFY(workflow::areEquivalent(recipe, other, m_methods));
    recipe.rounding.use = other.rounding.use = "gptq";
    QVERIFY(!workflow::areEquivalent(recipe, other, m_methods));
  }

  void defaultsAreTheSameWrittenOutOrLeftOut() {
    Recipe plain = gptq();
    Recipe full = gptq();
    full.name = "another name";
    full.rounding.parameters = {
        {"dampFraction", 0.01}, {"actOrder", "static"}, {"staticGroups", true}, {"blockSize", 128}};
    full.grid.parameters["symmetric"] = true;
    QVERIFY(
        workflow::areEquivalent(plain, full, m_methods)); // staticGroups has no effect with this column order
    full.grid.parameters["symmetric"] = false;
    QVERIFY(!workflow::areEquivalent(plain, full, m_methods));
  }

  void noNameIsLong() {
    Recipe recipe = gptq();
    for (int i = 0; i < 50; ++i)
      recipe.policy.keep.push_back("model.layers." + std::to_string(i) + ".*");
    QVERIFY(nameOf(recipe).size() <= 120);
    QVERIFY2(nameOf(recipe).ends_with("..."), nameOf(recipe).c_str());
  }

  /// Unknown methods (of missing plugins) and invalid values are named literally.
  void whatIsNotKnownIsNamedAsItStands() {
    Recipe recipe;
    recipe.rounding.use = "alchemy";
    recipe.grid.parameters = {{"bits", 99}};
    QCOMPARE(nameOf(recipe), std::string("alchemy 99-bit per channel"));
    recipe.grid = {"gold", base::Json::object()};
    QCOMPARE(nameOf(recipe), std::string("alchemy gold"));
  }

  void builtInRecipesDiffer() {
    const auto recipes = workflow::builtInRecipes(test::projectFile("resources"));
    std::set<std::string> names;
    for (const Recipe& recipe : recipes) {
      QVERIFY2(names.insert(nameOf(recipe)).second, nameOf(recipe).c_str());
      for (const Recipe& other : recipes)
        QCOMPARE(workflow::areEquivalent(recipe, other, m_methods), &recipe == &other);
    }
  }

  void takenNamesAreNumbered() {
    const std::set<std::string> taken = {"mine", "mine (2)"};
    const auto isTaken = [&](const std::string& name) { return taken.contains(name); };
    QCOMPARE(workflow::uniqueName("mine", isTaken), std::string("mine (3)"));
    QCOMPARE(workflow::uniqueName("yours", isTaken), std::string("yours"));
  }
};

NIB_TEST(RecipeNameTest)
#include "recipe_name_test.moc"
