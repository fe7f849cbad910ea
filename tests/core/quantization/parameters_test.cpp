// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "nib_test.hpp"
#include "quantization/grid.hpp"
#include "quantization/parameters.hpp"
#include "test_data.hpp"

#include <QTest>

using namespace nibblesmith;
using base::Json;

namespace {

Json description() {
  return Json::parse(
      R"({ "schema": 1, "name": "m", "kind": "rounding", "label": "M", "help": "h", "parameters": [
    { "key": "count", "type": "integer", "label": "l", "help": "h", "minimum": 1, "maximum": 9, "default": 3 },
    { "key": "size", "type": "integer", "label": "l", "help": "h", "choices": [32, 64], "default": 32 },
    { "key": "share", "type": "number", "label": "l", "help": "h", "minimum": 0, "default": 0.5, "unit": "of all" },
    { "key": "flag", "type": "boolean", "label": "l", "help": "h", "default": true },
    { "key": "mode", "type": "choice", "label": "l", "help": "h", "choices": ["a", "b"], "default": "a",
      "appliesWhen": { "flag": true } } ] })");
}

std::string refusal(const Json& json) {
  try {
    quantization::methodFromJson(json, "m.json");
  } catch (const base::Error& error) {
    return error.code() == base::ErrorCode::Corrupt ? error.what() : "another code";
  }
  return "no error";
}

} // namespace

class ParametersTest : public QObject {
  Q_OBJECT
private slots:
  void readsADescription();
  void brokenDescriptions_data();
  void brokenDescriptions();
  void fillsInDefaults();
  void refusals_data();
  void refusals();
  void ownMethodsAreValid();
};

void ParametersTest::readsADescription() {
  const auto method = quantization::methodFromJson(description(), "m.json");
  QCOMPARE(method.name, std::string("m"));
  QVERIFY(method.kind == quantization::MethodKind::Rounding);
  QCOMPARE(method.parameters.size(), size_t{5});
  QVERIFY(method.parameters[0].type == quantization::ParameterType::Integer);
  QCOMPARE(method.parameters[0].maximum.value(), 9.0);
  QVERIFY(!method.parameters[2].maximum);
  QCOMPARE(method.parameters[2].unit, std::string("of all"));
  QCOMPARE(method.parameters[4].choices.size(), size_t{2});
  QVERIFY(method.parameters[4].appliesWhen == Json({{"flag", true}}));
  QVERIFY(!method.needsCalibration);
  QCOMPARE(method.shortLabel, std::string("M"));
  Json json = description();
  json["shortLabel"] = "m";
  QCOMPARE(quantization::methodFromJson(json, "m.json").shortLabel, std::string("m"));
}

void ParametersTest::brokenDescriptions_data() {
  QTest::addColumn<QString>("pointer");
  QTest::addColumn<QString>("value");
  QTest::addColumn<QString>("expected");
  QTest::newRow("schema") << "/schema"
                          << "2"
                          << "'schema'";
  QTest::newRow("no name") << "/name"
                           << ""
                           << "'name'";
  QTest::newRow("reserved name") << "/name"
                                 << "\"none\""
                                 << "'name'";
  QTest::newRow("kind") << "/kind"
                        << "\"magic\""
                        << "'kind'";
  QTest::newRow("unknown field") << "/colour"
                                 << "1"
                                 << "'colour'";
  QTest::newRow("type") << "/parameters/0/type"
                        << "\"float\""
                        << "'count'";
  QTest::newRow("default type") << "/parameters/0/default"
                                << "\"3\""
                                << "'default'";
  QTest::newRow("default range") << "/parameters/0/default"
                                 << "10"
                                 << "'default'";
  QTest::newRow("no default") << "/parameters/3/default"
                              << ""
                              << "'default'";
  QTest::newRow("default choice") << "/parameters/4/default"
                                  << "\"c\""
                                  << "'default'";
  QTest::newRow("no choices") << "/parameters/4/choices"
                              << ""
                              << "'choices'";
  QTest::newRow("empty choices") << "/parameters/4/choices"
                                 << "[]"
                                 << "'choices'";
  QTest::newRow("applies when") << "/parameters/4/appliesWhen"
                                << "{\"flog\":true}"
                                << "'flog'";
  QTest::newRow("twice") << "/parameters/0/key"
                         << "\"flag\""
                         << "'flag' is declared twice";
  QTest::newRow("reserved key") << "/parameters/0/key"
                                << "\"use\""
                                << "'use'";
  QTest::newRow("parameters") << "/parameters"
                              << "{}"
                              << "'parameters'";
  QTest::newRow("not an object") << "/parameters/0"
                                 << "7"
                                 << "found 7";
}

void ParametersTest::brokenDescriptions() {
  QFETCH(QString, pointer);
  QFETCH(QString, value);
  QFETCH(QString, expected);
  Json json = description();
  const Json::json_pointer at(pointer.toStdString());
  if (value.isEmpty())
    json[at.parent_pointer()].erase(at.back());
  else
    json[at] = Json::parse(value.toStdString());
  const std::string message = refusal(json);
  QVERIFY2(message.starts_with("m.json") && QString::fromStdString(message).contains(expected),
           message.c_str());
}

void ParametersTest::fillsInDefaults() {
  const auto method = quantization::methodFromJson(description(), "m.json");
  const Json complete = quantization::completeParameters(method, {{"count", 5.0}, {"share", 1}});
  QVERIFY(complete == Json({{"count", 5}, {"size", 32}, {"share", 1.0}, {"flag", true}, {"mode", "a"}}));
  // Canonical types: the same choice always gives the same text.
  QCOMPARE(complete.dump(), quantization::completeParameters(method, {{"share", 1.0}, {"count", 5}}).dump());
  QVERIFY(complete["count"].is_number_integer());
}

void ParametersTest::refusals_data() {
  QTest::addColumn<QString>("given");
  QTest::addColumn<QString>("expected");
  QTest::newRow("unknown") << R"({"depth":1})"
                           << "m: 'depth': unknown parameter; there is count, size, share, flag, mode";
  QTest::newRow("type") << R"({"count":"5"})"
                        << "m: 'count': expected an integer from 1 to 9, found \"5\"";
  QTest::newRow("fraction") << R"({"count":2.5})"
                            << "m: 'count': expected an integer from 1 to 9, found 2.5";
  QTest::newRow("range") << R"({"count":0})"
                         << "m: 'count': expected an integer from 1 to 9, found 0";
  QTest::newRow("huge") << R"({"count":1e300})"
                        << "m: 'count': expected an integer from 1 to 9, found 1e+300";
  QTest::newRow("offered") << R"({"size":48})"
                           << "m: 'size': expected 32 or 64, found 48";
  QTest::newRow("minimum") << R"({"share":-1})"
                           << "m: 'share': expected a number of at least 0, found -1";
  QTest::newRow("boolean") << R"({"flag":1})"
                           << "m: 'flag': expected true or false, found 1";
  QTest::newRow("choice") << R"({"mode":"c"})"
                          << "m: 'mode': expected \"a\" or \"b\", found \"c\"";
  QTest::newRow("null") << R"({"mode":null})"
                        << "m: 'mode': expected \"a\" or \"b\", found null";
  QTest::newRow("array") << R"([1])"
                         << "m: expected an object of parameters, found [1]";
}

void ParametersTest::refusals() {
  QFETCH(QString, given);
  QFETCH(QString, expected);
  const auto method = quantization::methodFromJson(description(), "m.json");
  try {
    quantization::completeParameters(method, Json::parse(given.toStdString()));
    QFAIL("expected an error");
  } catch (const base::Error& error) {
    QCOMPARE(QString::fromUtf8(error.what()), expected);
    QVERIFY(error.code() == base::ErrorCode::InvalidArgument);
  }
}

void ParametersTest::ownMethodsAreValid() {
  std::vector<std::string> grids;
  for (const auto& grid : quantization::gridDescriptions())
    grids.push_back(grid.name);
  QCOMPARE(grids, (std::vector<std::string>{"affine", "nf4", "fp4", "log", "learned"}));
  for (const char* name : {"rtn", "gptq"}) {
    const auto json = base::readJsonFile(test::projectFile("plugins/quantizers") / name / "method.json");
    QCOMPARE(quantization::methodFromJson(json, name).name, std::string(name));
  }
}

NIB_TEST(ParametersTest)
#include "parameters_test.moc"
