// SPDX-License-Identifier: Apache-2.0
#include "base/json.hpp"
#include "nib_test.hpp"

#include <QtTest>

using namespace nibblesmith::base;

namespace {

QString messageOf(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code() == ErrorCode::Corrupt ? error.what() : "another code";
  }
  return "accepted";
}

} // namespace

class JsonTest : public QObject {
  Q_OBJECT

private slots:
  void nestingIsBounded() {
    const auto nested = [](int levels) {
      return std::string(static_cast<size_t>(levels), '[') + std::string(static_cast<size_t>(levels), ']');
    };
    parseJson(nested(60), "test");
    QVERIFY(messageOf([&] { parseJson(nested(70), "test"); }).contains("nested"));
    // Without a limit, this would overflow the stack.
    QVERIFY(messageOf([&] { parseJson(std::string(10'000'000, '['), "test"); }).contains("nested"));
    std::string objects;
    for (int i = 0; i < 100; ++i)
      objects += "{\"a\":";
    QVERIFY(messageOf([&] { parseJson(objects, "test"); }).contains("nested"));
  }

  void syntaxErrorsNameTheOrigin_data() {
    QTest::addColumn<QByteArray>("text");
    for (const char* text : {"", "{", "[1,]", "nul", "\"\xff\"", "1 2", "[\"\\u12\"]", "NaN"})
      QTest::newRow(text) << QByteArray(text);
  }
  void syntaxErrorsNameTheOrigin() {
    QFETCH(QByteArray, text);
    QVERIFY(
        messageOf([&] { parseJson(text.toStdString(), "some/file.json"); }).startsWith("some/file.json: "));
  }

  void syntaxErrorsDoNotCarryTheFileAlong() {
    std::string text = "{\"key\": \"";
    for (int i = 0; i < 3000; ++i)
      text += "\xC3\xB6";
    const QString message = messageOf([&] { parseJson(text + '\1', "a.json"); });
    QVERIFY2(message.startsWith("a.json") && message.contains("column 60") &&
                 message.contains("control character"),
             qPrintable(message));
    QVERIFY(message.size() < 400 && !message.contains(QChar::ReplacementCharacter));
  }

  void aKeyTwiceIsRefused() {
    QCOMPARE(messageOf([] { parseJson(R"({"a": 1, "b": 2, "a": 3})", "c.json"); }),
             QString("c.json: 'a' appears twice in the outermost object"));
    QCOMPARE(messageOf([] { parseJson(R"({"model": [{}, {"vocab": {"x": 1, "\u0078": 2}}]})", "c.json"); }),
             QString("c.json: 'x' appears twice in 'model[1].vocab'"));
    // The same key in two objects is not a duplicate.
    QCOMPARE(parseJson(R"([{"a": 1}, {"a": 2}])", "c.json").size(), size_t{2});
  }

  void nestingIsNamedByItsPlace() {
    std::string text = R"({"model": {"merges": [0, )";
    text += std::string(100, '[') + std::string(100, ']') + "]}}";
    const QString message = messageOf([&] { parseJson(text, "t.json"); });
    QVERIFY2(message.contains("'model.merges[1][0]") && message.contains("64 levels"), qPrintable(message));
  }

  void longStringsAndNumbersAreRefused() {
    for (const char quote : {'"', '1'}) {
      std::string text = "{\"key\": ";
      text += quote + std::string(size_t{33} << 20, '1') + quote + "}";
      const QString message = messageOf([&] { parseJson(text, "a.json"); });
      QVERIFY2(message.contains("a.json") && message.contains("33554432") && message.size() < 400,
               qPrintable(message));
    }
    // An escaped quotation mark does not end a string.
    const std::string half(size_t{20} << 20, 'x');
    QVERIFY(messageOf([&] { parseJson("\"" + half + "\\\"" + half + "\"", "a.json"); }).contains("33554432"));
    QCOMPARE(parseJson("[\"" + half + "\", \"\\\\\", \"" + half + "\"]", "a.json").size(), size_t{3});
  }

  // The limits allow as many tokens and merges as the largest tokenizers have.
  void theLargestTokenizersFit() {
    std::string text = R"({"model": {"vocab": {)";
    for (int i = 0; i < 262'144; ++i)
      text += (i == 0 ? "\"" : ",\"") + ("token" + std::to_string(i)) + "\":" + std::to_string(i);
    text += R"(}, "merges": [)";
    for (int i = 0; i < 580'000; ++i)
      text += (i == 0 ? "[\"" : ",[\"") + std::to_string(i) + "\",\"" + std::to_string(i) + "\"]";
    const Json json = parseJson(text + "]}}", "tokenizer.json");
    QCOMPARE(json["model"]["merges"].size(), size_t{580'000});
  }

  void aStopIsHeard() {
    std::string text = "[0";
    for (int i = 0; i < 1'000'000; ++i)
      text += ",0";
    text += ']';
    std::stop_source source;
    QCOMPARE(parseJson(text, "a.json", source.get_token()).size(), size_t{1'000'001});
    source.request_stop();
    QVERIFY_EXCEPTION_THROWN(parseJson(text, "a.json", source.get_token()), Cancelled);
  }

  void entriesAreHandedOverInOrder() {
    std::vector<std::string> found;
    const auto visit = [&](const std::string& key, Json& value) {
      found.push_back(key + "=" + value.dump());
    };
    forEachJsonEntry(R"({"b": [1, {"x": 2}], "a": null, "b": "twice"})", "t", Json::value_t::object,
                     "an object", visit);
    QCOMPARE(found, (std::vector<std::string>{R"(b=[1,{"x":2}])", "a=null", R"(b="twice")"}));
    found.clear();
    forEachJsonEntry(R"([1, [], {"k": [2]}])", "t", Json::value_t::array, "an array", visit);
    QCOMPARE(found, (std::vector<std::string>{"=1", "=[]", R"(={"k":[2]})"}));
    found.clear();
    forEachJsonEntry("{}", "t", Json::value_t::object, "an object", visit);
    QVERIFY(found.empty());
  }

  void entriesOfSomethingElseAreRefused() {
    const auto visit = [](const std::string&, Json&) {};
    const auto messageFor = [&](const char* text) {
      return messageOf(
          [&] { forEachJsonEntry(text, "m", Json::value_t::object, "an object of tensors", visit); });
    };
    QCOMPARE(messageFor("[1]"), QString("m: expected an object of tensors, found array"));
    QCOMPARE(messageFor("3"), QString("m: expected an object of tensors, found number"));
    QVERIFY(messageFor(R"({"a": 1)").contains("not valid JSON"));
    QVERIFY(messageFor(R"({"a": {"x": 1, "x": 2}})").contains("'x' appears twice in 'a'"));
    const QString third = messageOf([&] {
      forEachJsonEntry(R"([1, 2, [{"x": 1, "x": 2}]])", "m", Json::value_t::array, "an array", visit);
    });
    QVERIFY2(third.contains("'x' appears twice in '[2][0]'"), qPrintable(third));
    QVERIFY(messageFor((R"({"a": )" + std::string(70, '[') + "}").c_str()).contains("nested"));
  }

  void briefJsonIsBrief() {
    QCOMPARE(briefJson(Json{{"a", {1, 2.5, nullptr}}, {"b", "x"}}),
             std::string(R"({"a":[1,2.5,null],"b":"x"})"));
    QCOMPARE(briefJson(Json::array()), std::string("[]"));
    Json deep = std::string(1'000'000, 'x');
    for (int i = 0; i < 60; ++i)
      deep = Json{{std::string(10'000, 'k'), deep}, {"z", Json(std::vector<int>(1000, 7))}};
    QVERIFY(briefJson(deep).size() < 400);
    QVERIFY(briefJson(Json(std::vector<int>(1'000'000, 12345))).size() < 100);
    QCOMPARE(briefJson(Json("\xFF\n")), std::string("\"\\xFF\\n\""));
  }

  void requiredNamesWhatItFound() {
    const Json object = {{"size", "big"},  {"count", 3},   {"half", 0.5},
                         {"whole", 512.0}, {"flag", true}, {"none", nullptr}};
    QCOMPARE(required<int>(object, "count", "x"), 3);
    QCOMPARE(required<int>(object, "whole", "x"), 512);
    QCOMPARE(required<double>(object, "count", "x"), 3.0);
    QCOMPARE(required<std::string>(object, "size", "x"), std::string("big"));
    QVERIFY(required<bool>(object, "flag", "x"));
    QCOMPARE(messageOf([&] { required<int>(object, "size", "c.json"); }),
             QString("c.json: 'size': expected an integer, found \"big\""));
    QVERIFY(messageOf([&] { required<int>(object, "half", "x"); }).contains("found 0.5"));
    QVERIFY(messageOf([&] { required<bool>(object, "count", "x"); }).contains("true or false"));
    QVERIFY(messageOf([&] { required<std::string>(object, "count", "x"); }).contains("a string"));
    QVERIFY(messageOf([&] { required<int>(object, "gone", "x"); }).contains("found nothing"));
    QVERIFY(messageOf([&] { required<int>(Json::array(), "gone", "x"); }).contains("array"));
  }

  void integersAreHeldToTheirType() {
    const Json object = {{"big", int64_t{1} << 40}, {"huge", UINT64_MAX}, {"negative", -1}, {"float", 1e10}};
    QCOMPARE(required<int64_t>(object, "big", "x"), int64_t{1} << 40);
    QCOMPARE(required<uint64_t>(object, "huge", "x"), UINT64_MAX);
    QCOMPARE(required<int64_t>(object, "float", "x"), int64_t{10'000'000'000});
    QVERIFY(messageOf([&] { required<int>(object, "big", "x"); }).contains("found 1099511627776"));
    QVERIFY(
        messageOf([&] { required<int64_t>(object, "huge", "x"); }).contains("found 18446744073709551615"));
    QVERIFY(messageOf([&] { required<uint64_t>(object, "negative", "x"); }).contains("found -1"));
    QVERIFY(messageOf([&] { required<int>(object, "float", "x"); }).contains("found 10000000000.0"));
  }

  void arraysAndObjects() {
    const Json object = {{"words", {"a", "b"}}, {"mixed", {"a", 1}}, {"map", {{"k", 1}}}, {"none", nullptr}};
    QCOMPARE(required<std::vector<std::string>>(object, "words", "x"), (std::vector<std::string>{"a", "b"}));
    QVERIFY(messageOf([&] {
              required<std::vector<std::string>>(object, "mixed", "x");
            }).contains("'mixed': expected an array of strings, found [\"a\",1]"));
    QCOMPARE(requiredArray(object, "mixed", "x").size(), size_t{2});
    QVERIFY(messageOf([&] { requiredArray(object, "map", "x"); }).contains("'map': expected an array"));
    QCOMPARE(requiredObject(object, "map", "x").size(), size_t{1});
    QVERIFY(messageOf([&] {
              requiredObject(object, "gone", "x");
            }).contains("'gone': expected an object, found nothing"));
    QVERIFY(optionalObject(object, "gone", "x").empty() && optionalObject(object, "none", "x").empty());
    QVERIFY(messageOf([&] { optionalObject(object, "words", "x"); }).contains("'words': expected an object"));
  }

  void optionalTakesTheFallbackForNothingOnly() {
    const Json object = {{"size", "big"}, {"none", nullptr}, {"count", 3}};
    QCOMPARE(optional<int>(object, "gone", 7, "x"), 7);
    QCOMPARE(optional<int>(object, "none", 7, "x"), 7);
    QCOMPARE(optional<int>(object, "count", 7, "x"), 3);
    QVERIFY(messageOf([&] { optional<int>(object, "size", 7, "x"); }).contains("'size'"));
  }
};

NIB_TEST(JsonTest)
#include "json_test.moc"
