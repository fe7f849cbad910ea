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
    // Without a bound this would end the stack.
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
