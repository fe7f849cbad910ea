// SPDX-License-Identifier: Apache-2.0
#include "base/foreign_text.hpp"

#include "nib_test.hpp"

#include <QtTest>

using namespace nibblesmith::base;

class ForeignTextTest : public QObject {
  Q_OBJECT

private slots:
  void escapes_data() {
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<QByteArray>("line");
    QTest::addColumn<QByteArray>("message");
    const auto row = [](const char* name, const char* text, const char* line, const char* message = nullptr) {
      QTest::newRow(name) << QByteArray(text) << QByteArray(line) << QByteArray(message ? message : line);
    };
    row("plain", "Qwen-2.5 'B' <b>", "Qwen-2.5 'B' <b>");
    row("letters of any script", "\xC3\xB6\xE6\xBC\xA2\xF0\x9F\x98\x80",
        "\xC3\xB6\xE6\xBC\xA2\xF0\x9F\x98\x80");
    row("lines", "a\nb\tc", "a\\nb\\tc", "a\nb\tc");
    row("carriage return", "real\rfake", "real\\rfake");
    row("terminal escape", "\x1B[2Jx\x7F", "\\x1B[2Jx\\x7F");
    row("C1 control", "\xC2\x9Bx", "\\u009Bx");
    row("direction",
        "a\xE2\x80\xAE"
        "b\xE2\x81\xA6"
        "c\xD8\x9C",
        "a\\u202Eb\\u2066c\\u061C");
    row("line separator",
        "a\xE2\x80\xA8"
        "b",
        "a\\u2028b");
    row("tag characters", "a\xF3\xA0\x81\x81", "a\\U000E0041");
    row("no UTF-8", "a\xFF\xC3(\xED\xA0\x80", "a\\xFF\\xC3(\\xED\\xA0\\x80");
    row("backslash", "re:\\d+", "re:\\d+");
  }
  void escapes() {
    QFETCH(QByteArray, text);
    QFETCH(QByteArray, line);
    QFETCH(QByteArray, message);
    QCOMPARE(QByteArray::fromStdString(foreignText(text.toStdString())), line);
    QCOMPARE(QByteArray::fromStdString(messageText(text.toStdString())), message);
  }

  void zeroByte() { QCOMPARE(foreignText(std::string("a\0b", 3)), std::string("a\\x00b")); }

  void longTextEndsWithItsLength() {
    QCOMPARE(foreignText(std::string(200, 'x')), std::string(200, 'x'));
    const std::string cut = foreignText(std::string(40'000'000, 'x'));
    QCOMPARE(cut.size(), size_t{200});
    QVERIFY2(cut.ends_with("xx... (40000000 bytes)"), cut.c_str());
    QCOMPARE(foreignText(cut), cut);
    // Escapes count with their printed length.
    QVERIFY(foreignText(std::string(100, '\1')).size() <= 200);
    QVERIFY(QString::fromStdString(foreignText(std::string(100, '\1'))).endsWith("... (100 bytes)"));
  }

  void nothingIsCutInsideACharacter() {
    std::string text;
    for (int i = 0; i < 4000; ++i)
      text += "\xE6\xBC\xA2";
    for (size_t most = 60; most < 70; ++most) {
      QVERIFY(!QString::fromStdString(foreignText(text, most)).contains(QChar::ReplacementCharacter));
      const std::string message = messageText(text, most);
      QVERIFY(!QString::fromStdString(message).contains(QChar::ReplacementCharacter));
      QVERIFY2(message.find('\\') == std::string::npos, message.c_str());
    }
  }

  void longMessageKeepsItsBeginningAndItsEnd() {
    const std::string message = messageText("config.json: 'model_type': found " +
                                            std::string(40'000'000, 'x') + "; open another model");
    QVERIFY(message.size() <= 3000 && message.size() > 2900);
    QVERIFY(message.starts_with("config.json: 'model_type': found xx"));
    QVERIFY(message.ends_with("xx; open another model"));
    QVERIFY2(message.find(" bytes left out)") != std::string::npos, message.c_str());
    QCOMPARE(messageText(message), message);
    const std::string control = messageText(std::string(1'000'000, '\1') + "end");
    QVERIFY(control.size() <= 3000);
    QVERIFY(control.ends_with("\\x01end"));
  }
};

NIB_TEST(ForeignTextTest)
#include "foreign_text_test.moc"
