// SPDX-License-Identifier: Apache-2.0
#include "workflow/compare.hpp"

#include "nib_test.hpp"
#include "workflow/recipes.hpp"
#include "workplace.hpp"

#include <fstream>

#include <QTest>

using namespace nibblesmith;

class CompareTest : public QObject {
  Q_OBJECT

private slots:
  void directoryNames_data() {
    QTest::addColumn<QString>("name");
    QTest::addColumn<QString>("expected");
    QTest::newRow("plain") << "GPTQ 4-bit g128"
                           << "gptq-4-bit-g128";
    QTest::newRow("punctuation") << "Pi 4: AWQ + GPTQ, 4-bit"
                                 << "pi-4-awq-gptq-4-bit";
    QTest::newRow("path") << "../../etc"
                          << "etc";
    QTest::newRow("empty") << ""
                           << "unnamed";
    QTest::newRow("no letters") << "::"
                                << "unnamed";
  }
  void directoryNames() {
    QFETCH(QString, name);
    QFETCH(QString, expected);
    quantization::Recipe recipe;
    recipe.name = name.toStdString();
    QCOMPARE(QString::fromStdString(workflow::directoryNameOf(recipe)), expected);
  }

  void everyRecipeHasADirectoryOfItsOwn() {
    std::vector<quantization::Recipe> recipes;
    for (const char* name : {"My Recipe!", "my recipe", "my-recipe-2", "MY RECIPE", "模型", "型"})
      recipes.emplace_back().name = name;
    const std::vector<std::string> expected = {"my-recipe",   "my-recipe-2", "my-recipe-2-2",
                                               "my-recipe-3", "unnamed",     "unnamed-2"};
    QCOMPARE(workflow::directoryNamesOf(recipes), expected);
  }

  /// Two recipe names that give the same directory name: two artifacts, each with its own bits.
  void recipesDoNotOverwriteEachOther() {
    test::Workplace place;
    workflow::CompareRequest request;
    request.model = place.model;
    request.recipes = {place.recipe(4, "My Recipe!", "").recipe, place.recipe(3, "my recipe", "").recipe};
    request.outDirectory = place.root / "artifacts";
    request.evaluation.text = place.root / "text.txt";
    request.evaluation.context = 32;
    std::ofstream(request.evaluation.text) << std::string(600, 'a') << " and so on";
    request.benchmark = {4, 2, 0, 1};
    base::NoProgress progress;
    const auto rows = workflow::compare(request, place.services, {}, {}, progress);
    QCOMPARE(rows.size(), size_t{3});
    QCOMPARE(rows[1].artifact, place.root / "artifacts/my-recipe");
    QCOMPARE(rows[2].artifact, place.root / "artifacts/my-recipe-2");
    QVERIFY(rows[1].sha256 != rows[2].sha256);
    QVERIFY(rows[1].weightBytes > rows[2].weightBytes);
    const size_t runs = place.runs().size();

    // A second run is rejected before the work, unless replacing is requested.
    const QByteArray told =
        test::errorOf([&] { workflow::compare(request, place.services, {}, {}, progress); });
    QVERIFY2(told.contains("my-recipe") && told.contains("--replace"), told.constData());
    QCOMPARE(place.runs().size(), runs);
    request.replace = true;
    QCOMPARE(workflow::compare(request, place.services, {}, {}, progress)[1].sha256, rows[1].sha256);
  }

  /// Mistakes in the last recipe are reported before the baseline is evaluated, which may take hours.
  void everythingIsCheckedBeforeTheWork_data() {
    QTest::addColumn<QString>("mistake");
    QTest::addColumn<QByteArray>("expected");
    for (const char* row : {"parameter", "method", "calibration", "name", "output", "disk"})
      QTest::newRow(row) << QString::fromLatin1(row) << QByteArray("Recipe 'second");
  }
  void everythingIsCheckedBeforeTheWork() {
    QFETCH(QString, mistake);
    QFETCH(QByteArray, expected);
    test::Workplace place;
    workflow::CompareRequest request;
    request.model = place.model;
    request.recipes = {place.recipe(4, "first", "").recipe, place.recipe(3, "second", "").recipe};
    request.outDirectory = place.root / "new/artifacts";
    request.evaluation.text = place.root / "text.txt";
    request.evaluation.context = 32;
    std::ofstream(request.evaluation.text) << std::string(600, 'a') << " and so on";
    quantization::Recipe& second = request.recipes[1];
    if (mistake == QStringLiteral("parameter"))
      second.grid.parameters["bits"] = 77;
    else if (mistake == QStringLiteral("method"))
      second.rounding.use = "none of this name";
    else if (mistake == QStringLiteral("calibration"))
      second.activations = {"int8", {{"mode", "static"}, {"calibrator", "minmax"}}};
    else if (mistake == QStringLiteral("name"))
      second.name += std::string(245, 'x');
    else if (mistake == QStringLiteral("output"))
      std::filesystem::create_directories(place.root / "new/artifacts/second/photos");
    else
      request.outDirectory = "/proc/nowhere", expected = "Recipe 'first'";
    base::NoProgress progress;
    const QByteArray told =
        test::errorOf([&] { workflow::compare(request, place.services, {}, {}, progress); });
    QVERIFY2(told.startsWith(expected), told.constData());
    QVERIFY(place.runs().empty());
    QVERIFY(!std::filesystem::exists(place.root / "new/artifacts/first"));
    QVERIFY(!std::filesystem::exists(place.root / "new/artifacts/second.partial"));
    QCOMPARE(std::filesystem::exists(place.root / "new"), mistake == QStringLiteral("output"));
  }

  void builtInRecipesAreReadInOrder() {
    const auto recipes = workflow::builtInRecipes(test::projectFile("resources"));
    QVERIFY(recipes.size() >= 5);
    QCOMPARE(recipes[0].name, std::string("RTN 4-bit g128"));
    QCOMPARE(recipes[1].rounding.use, std::string("gptq"));
    for (const auto& recipe : recipes)
      QCOMPARE(quantization::recipeFromJson(quantization::toJson(recipe), "again"), recipe);
  }
};

NIB_TEST(CompareTest)
#include "compare_test.moc"
