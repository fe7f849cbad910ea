// SPDX-License-Identifier: Apache-2.0
#include "workflow/compare.hpp"

#include "nib_test.hpp"
#include "test_data.hpp"

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
