// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/regex.hpp"

#include "base/error.hpp"
#include "nib_test.hpp"

#include <QtTest>

using namespace nibblesmith;
using checkpoint::Regex;

class RegexTest : public QObject {
  Q_OBJECT

private slots:
  void findsFromAnOffset() {
    const Regex letters(R"(\p{L}+)", "test");
    const std::string text = "12 äpfel und 3";
    QCOMPARE(letters.find(text, 0), std::pair(size_t{3}, size_t{9}));
    QCOMPARE(letters.find(text, 9), std::pair(size_t{10}, size_t{13}));
    QVERIFY(!letters.find(text, 13));
  }

  void matchesAtTheStartOnly() {
    const Regex name(R"(model\.layers\.0\.)", "test");
    QVERIFY(name.matchesStart("model.layers.0.mlp"));
    QVERIFY(!name.matchesStart("draft.model.layers.0.mlp"));
  }

  // Marks are part of words, wherever \w is written.
  void wordCharacters() {
    const std::string text = "हिन्दी x_1";
    const size_t word = text.find(' ');
    QCOMPARE(Regex(R"(\w+)", "test").find(text, 0), std::pair(size_t{0}, word));
    QCOMPARE(Regex(R"([\w]+)", "test").find(text, 0), std::pair(size_t{0}, word));
    QCOMPARE(Regex(R"(\W+)", "test").find(text, 0), std::pair(word, word + 1));
    QCOMPARE(Regex(R"([^\w]+)", "test").find(text, 0), std::pair(word, word + 1));
    QCOMPARE(Regex(R"([]\w]+$)", "test").find(text, 0), std::pair(word + 1, text.size()));
    QCOMPARE(Regex(R"(\\w)", "test").find("a\\w", 0), std::pair(size_t{1}, size_t{3}));
  }

  void refusesABrokenPattern() {
    try {
      const Regex broken("(a", "somewhere");
      QFAIL("was accepted");
    } catch (const base::Error& error) {
      QVERIFY(error.code() == base::ErrorCode::Corrupt);
      QVERIFY(QString(error.what()).contains("somewhere"));
      QVERIFY(QString(error.what()).contains("(a"));
    }
    QVERIFY_EXCEPTION_THROWN(Regex(std::string(100000, 'a'), "x"), base::Error);
  }

  // A pattern that would take longer than the universe is stopped.
  void stopsCatastrophicPatterns() {
    const Regex slow(R"((a+)+$)", "test");
    QVERIFY_EXCEPTION_THROWN(slow.find(std::string(64, 'a') + "b", 0), base::Error);
    const Regex deep(R"((?:(?:a|b)*c?)*$)", "test");
    QVERIFY_EXCEPTION_THROWN(deep.find(std::string(100000, 'a') + "d", 0), base::Error);
  }

  // A long stretch goes through without the stack of the just-in-time code running out.
  void longStretches() {
    const Regex words(R"((?:[a-z](?=[a-z]|$))+)", "test");
    const std::string text(1 << 17, 'a');
    QCOMPARE(words.find(text, 0), std::pair(size_t{0}, text.size()));
  }
};

NIB_TEST(RegexTest)
#include "regex_test.moc"
