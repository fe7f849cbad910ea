// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "nib_test.hpp"
#include "quantization/kv_cache.hpp"
#include "quantization/policy.hpp"
#include "quantization/recipe.hpp"

#include <QTest>

using namespace nibblesmith;
using base::Json;
using quantization::Recipe;

namespace {

Json fullRecipe() {
  return Json::parse(R"({ "schema": 1, "name": "Pi 4",
    "transforms": [ { "use": "awq", "gridPoints": 20, "clip": true } ],
    "rounding": { "use": "gptq", "dampFraction": 0.02, "actOrder": "static" },
    "grid": { "use": "affine", "bits": 4, "granularity": "group", "groupSize": 64, "symmetric": true },
    "activations": { "use": "none" }, "kvCache": "f16",
    "policy": { "keep": ["lm_head"], "overrides": [ { "match": "layers.0.mlp.*", "grid": { "bits": 8 } } ] },
    "calibration": { "samples": 64, "length": 256, "sampling": "first", "seed": 18446744073709551615,
                     "packing": "none", "chatTemplate": "all" } })");
}

} // namespace

class RecipeTest : public QObject {
  Q_OBJECT
private slots:
  void readsEverything();
  void roundTrip();
  void defaults();
  void refusals_data();
  void refusals();
  void patterns_data();
  void patterns();
  void overridesAddUp();
};

void RecipeTest::readsEverything() {
  const Recipe recipe = quantization::recipeFromJson(fullRecipe(), "r");
  QCOMPARE(recipe.name, std::string("Pi 4"));
  QCOMPARE(recipe.transforms.size(), size_t{1});
  QCOMPARE(recipe.transforms[0].use, std::string("awq"));
  QVERIFY(recipe.transforms[0].parameters == Json({{"gridPoints", 20}, {"clip", true}}));
  QCOMPARE(recipe.rounding.use, std::string("gptq"));
  QVERIFY(recipe.rounding.parameters == Json({{"dampFraction", 0.02}, {"actOrder", "static"}}));
  QVERIFY(recipe.grid.parameters["groupSize"] == 64);
  QCOMPARE(recipe.policy.keep, std::vector<std::string>{"lm_head"});
  QCOMPARE(recipe.policy.overrides.size(), size_t{1});
  QCOMPARE(recipe.policy.overrides[0].match, std::string("layers.0.mlp.*"));
  QCOMPARE(recipe.calibration.samples, int64_t{64});
  QCOMPARE(recipe.calibration.seed, std::numeric_limits<uint64_t>::max());
  QVERIFY(recipe.calibration.sampling == calibration::Sampling::First);
}

void RecipeTest::roundTrip() {
  const Recipe recipe = quantization::recipeFromJson(fullRecipe(), "r");
  const Recipe again = quantization::recipeFromJson(Json::parse(quantization::toJson(recipe).dump()), "r");
  QVERIFY(again == recipe);
  QVERIFY(quantization::toJson(recipe) == fullRecipe());
  QVERIFY(!(again == Recipe{}));
  Json json = fullRecipe();
  json["kvCache"] = {{"use", "int4"}, {"groupSize", 64}};
  const Recipe cached = quantization::recipeFromJson(json, "r");
  QCOMPARE(cached.kvCache.use, std::string("int4"));
  QVERIFY(quantization::toJson(cached) == json);
  const model::KvCacheScheme scheme = quantization::kvCacheScheme(cached.kvCache);
  QVERIFY(scheme.keys == model::KvCacheScheme::Keys::Channel && scheme.groupSize == 64 &&
          scheme.residual == 128);
}

void RecipeTest::defaults() {
  const Recipe recipe = quantization::recipeFromJson({{"schema", 1}}, "r");
  QVERIFY(recipe == Recipe{});
  QCOMPARE(recipe.rounding.use, std::string("rtn"));
  QCOMPARE(recipe.policy.keep, (std::vector<std::string>{"lm_head", "embed_tokens"}));
}

void RecipeTest::refusals_data() {
  QTest::addColumn<QString>("pointer");
  QTest::addColumn<QString>("value");
  QTest::addColumn<QString>("expected");
  QTest::newRow("schema") << "/schema"
                          << "2"
                          << "'schema': expected 1, found 2";
  QTest::newRow("no schema") << "/schema"
                             << ""
                             << "'schema'";
  QTest::newRow("unknown field") << "/roundin"
                                 << "1"
                                 << "unknown field 'roundin'";
  QTest::newRow("name") << "/name"
                        << "7"
                        << "'name': expected a string, found 7";
  QTest::newRow("transforms") << "/transforms"
                              << "{}"
                              << "'transforms'";
  QTest::newRow("transform") << "/transforms/0/use"
                             << ""
                             << "'transforms' 0: 'use'";
  QTest::newRow("rounding") << "/rounding"
                            << "\"gptq\""
                            << "'rounding'";
  QTest::newRow("grid use") << "/grid/use"
                            << "4"
                            << "'grid': 'use'";
  QTest::newRow("sampling")
      << "/calibration/sampling"
      << "\"best\""
      << "'calibration': 'sampling': expected one of \"random\", \"first\", \"diverse\"";
  QTest::newRow("packing") << "/calibration/packing"
                           << "7"
                           << "'packing': expected a string, found 7";
  QTest::newRow("chat template") << "/calibration/chatTemplate"
                                 << "\"some\""
                                 << "'chatTemplate': expected one of \"chats\", \"all\", \"none\"";
  QTest::newRow("policy field") << "/policy/kep"
                                << "[]"
                                << "'policy': unknown field 'kep'";
  QTest::newRow("keep") << "/policy/keep"
                        << "\"lm_head\""
                        << "'keep'";
  QTest::newRow("keep entry") << "/policy/keep/0"
                              << "1"
                              << "'keep'";
  QTest::newRow("override field") << "/policy/overrides/0/bits"
                                  << "8"
                                  << "'overrides' 0: unknown field 'bits'";
  QTest::newRow("override grid") << "/policy/overrides/0/grid"
                                 << ""
                                 << "'overrides' 0: 'grid'";
  QTest::newRow("override inputs") << "/policy/overrides/0/activations"
                                   << "8"
                                   << "'overrides' 0: 'activations': expected an object";
  QTest::newRow("override inputs' name") << "/policy/overrides/0/activations"
                                         << R"({"use": 8})"
                                         << "'overrides' 0: 'activations': 'use': expected a name";
  QTest::newRow("samples") << "/calibration/samples"
                           << "\"many\""
                           << "'calibration': 'samples'";
  QTest::newRow("packing") << "/calibration/packing"
                           << "true"
                           << "'packing'";
  QTest::newRow("chat template") << "/calibration/chatTemplate"
                                 << "3"
                                 << "'chatTemplate'";
  QTest::newRow("seed") << "/calibration/seed"
                        << "-1"
                        << "'seed'";
  QTest::newRow("calibration field") << "/calibration/len"
                                     << "1"
                                     << "unknown field 'len'";
  QTest::newRow("kvCache use") << "/kvCache"
                               << "{}"
                               << "'kvCache': 'use'";
  QTest::newRow("kvCache") << "/kvCache"
                           << "8"
                           << "'kvCache'";
}

void RecipeTest::refusals() {
  QFETCH(QString, pointer);
  QFETCH(QString, value);
  QFETCH(QString, expected);
  Json json = fullRecipe();
  const Json::json_pointer at(pointer.toStdString());
  if (value.isEmpty())
    json[at.parent_pointer()].erase(at.back());
  else
    json[at] = Json::parse(value.toStdString());
  try {
    quantization::recipeFromJson(json, "my.json");
    QFAIL("expected an error");
  } catch (const base::Error& error) {
    QVERIFY(error.code() == base::ErrorCode::InvalidArgument);
    QVERIFY2(std::string(error.what()).starts_with("my.json"), error.what());
    QVERIFY2(QString::fromUtf8(error.what()).contains(expected), error.what());
  }
}

void RecipeTest::patterns_data() {
  QTest::addColumn<QString>("pattern");
  QTest::addColumn<bool>("expected");
  QTest::newRow("with prefix") << "model.layers.0.mlp.up_proj" << true;
  QTest::newRow("without") << "layers.0.mlp.up_proj" << true;
  QTest::newRow("star at the end") << "layers.0.mlp.*" << true;
  QTest::newRow("star in the middle") << "layers.*.up_proj" << true;
  QTest::newRow("star over parts") << "*up_proj" << true;
  QTest::newRow("question mark") << "layers.?.mlp.up_proj" << true;
  QTest::newRow("several stars") << "*.0*mlp*_*" << true;
  QTest::newRow("empty star") << "layers.0.mlp.up_proj*" << true;
  QTest::newRow("another layer") << "layers.1.*" << false;
  QTest::newRow("part of it") << "up_proj" << false;
  QTest::newRow("too long") << "layers.0.mlp.up_proj?" << false;
  QTest::newRow("empty") << "" << false;
  QTest::newRow("many stars") << "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b" << false;
}

void RecipeTest::patterns() {
  QFETCH(QString, pattern);
  QFETCH(bool, expected);
  QCOMPARE(quantization::matchesName(pattern.toStdString(), "model.layers.0.mlp.up_proj"), expected);
}

void RecipeTest::overridesAddUp() {
  Recipe recipe;
  recipe.grid.parameters = {{"bits", 4}, {"groupSize", 64}};
  recipe.policy.keep = {"*.v_proj"};
  recipe.policy.overrides = {
      {"layers.0.*", {{"bits", 8}}}, {"*.q_proj", {{"groupSize", 32}}}, {"*.down_proj", {{"bits", 3}}}};
  const auto choiceOf = [&](const char* name) { return quantization::gridFor(recipe, name); };
  const auto of = [&](const char* name) {
    const auto choice = choiceOf(name);
    return choice ? std::optional(choice->parameters) : std::nullopt;
  };
  QVERIFY(!of("model.layers.0.self_attn.v_proj"));
  QVERIFY(*of("model.layers.0.self_attn.q_proj") == Json({{"bits", 8}, {"groupSize", 32}}));
  QVERIFY(*of("model.layers.1.self_attn.q_proj") == Json({{"bits", 4}, {"groupSize", 32}}));
  QVERIFY(*of("model.layers.0.mlp.down_proj") == Json({{"bits", 3}, {"groupSize", 64}}));
  QVERIFY(*of("model.layers.1.mlp.up_proj") == recipe.grid.parameters);
  // Another grid starts from its own defaults; naming the same grid keeps earlier parameters.
  recipe.policy.overrides = {{"layers.0.*", {{"use", "nf4"}}},
                             {"*.q_proj", {{"groupSize", 32}}},
                             {"*.up_proj", {{"use", "affine"}}}};
  using quantization::MethodChoice;
  QVERIFY(*choiceOf("model.layers.0.mlp.down_proj") == (MethodChoice{"nf4", Json::object()}));
  QVERIFY(*choiceOf("model.layers.0.self_attn.q_proj") == (MethodChoice{"nf4", {{"groupSize", 32}}}));
  QVERIFY(*choiceOf("model.layers.0.mlp.up_proj") == (MethodChoice{"affine", Json::object()}));
  QVERIFY(*choiceOf("model.layers.1.mlp.up_proj") == recipe.grid);
  // Input quantization follows the same rules.
  recipe.activations = {"int8", {{"mode", "static"}, {"calibrator", "kl"}}};
  recipe.policy.overrides = {{"*.down_proj", Json::object(), {{"mode", "dynamic"}}},
                             {"layers.0.*", Json::object(), {{"use", "int4"}}}};
  const auto inputsOf = [&](const char* name) { return quantization::activationsFor(recipe, name); };
  QVERIFY(inputsOf("model.layers.1.mlp.up_proj") == recipe.activations);
  QVERIFY(inputsOf("model.layers.1.mlp.down_proj") ==
          (MethodChoice{"int8", {{"mode", "dynamic"}, {"calibrator", "kl"}}}));
  QVERIFY(inputsOf("model.layers.0.mlp.down_proj") == (MethodChoice{"int4", Json::object()}));
  QVERIFY(quantization::recipeFromJson(quantization::toJson(recipe), "r") == recipe);
}

NIB_TEST(RecipeTest)
#include "recipe_test.moc"
