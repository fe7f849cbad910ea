// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/regex.hpp"

#include "base/error.hpp"
#include "nib_test.hpp"
#include "plenty.hpp"
#include "refusal.hpp"

#include <QtTest>

#include <random>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

using namespace nibblesmith;
using checkpoint::Regex;

namespace {

std::optional<Regex::Range> find(const Regex& regex, std::string_view text, size_t from = 0) {
  base::Budget budget = test::plenty();
  return regex.find(text, from, budget);
}

/// Returns consecutive matches, like a pre-tokenizer.
std::vector<Regex::Range> findAll(const Regex& regex, std::string_view text, base::Budget& budget) {
  std::vector<Regex::Range> ranges;
  for (size_t from = 0; from < text.size();) {
    const auto range = regex.find(text, from, budget);
    if (!range)
      break;
    ranges.push_back(*range);
    from = std::max(range->second, from + 1);
  }
  return ranges;
}

/// The library's own search, without windows.
class WholeSearch {
public:
  explicit WholeSearch(std::string_view pattern) {
    int code = 0;
    PCRE2_SIZE position = 0;
    m_code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                           PCRE2_UTF | PCRE2_UCP, &code, &position, nullptr);
    pcre2_jit_compile(m_code, PCRE2_JIT_COMPLETE);
    m_data = pcre2_match_data_create(1, nullptr);
  }
  ~WholeSearch() {
    pcre2_code_free(m_code);
    pcre2_match_data_free(m_data);
  }
  WholeSearch(const WholeSearch&) = delete;
  WholeSearch& operator=(const WholeSearch&) = delete;

  std::optional<Regex::Range> find(std::string_view text, size_t from) const {
    const auto match = [&](uint32_t options) {
      return pcre2_match(m_code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), from,
                         PCRE2_NO_UTF_CHECK | options, m_data, nullptr);
    };
    int found = match(0);
    if (found == PCRE2_ERROR_JIT_STACKLIMIT)
      found = match(PCRE2_NO_JIT);
    if (found < 0)
      return std::nullopt;
    const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(m_data);
    return Regex::Range(ends[0], ends[1]);
  }

private:
  pcre2_code* m_code = nullptr;
  pcre2_match_data* m_data = nullptr;
};

/// Returns runs of characters, some as long as the windows and longer.
std::string randomText(std::mt19937& random, size_t longest) {
  constexpr std::string_view kParts[] = {"a", "b", "c",  " ",  " ", "\n",           "\xC3\xA9", "x",
                                         "z", "1", "23", "'s", "A", "\xE4\xB8\xAD", "\r\n",     "="};
  std::string text;
  for (size_t i = random() % 25; i > 0; --i) {
    const std::string_view part = kParts[random() % std::size(kParts)];
    for (size_t count = 1 + random() % (random() % 5 == 0 ? longest : 4); count > 0; --count)
      text += part;
  }
  return text;
}

base::Budget small(size_t textBytes) { return {"a.json", {0, 10'000'000 + 64 * uint64_t{textBytes}, 60}}; }

} // namespace

class RegexTest : public QObject {
  Q_OBJECT

private slots:
  void findsFromAnOffset() {
    const Regex letters(R"(\p{L}+)", "test");
    const std::string text = "12 äpfel und 3";
    QCOMPARE(find(letters, text, 0), std::pair(size_t{3}, size_t{9}));
    QCOMPARE(find(letters, text, 9), std::pair(size_t{10}, size_t{13}));
    QVERIFY(!find(letters, text, 13));
  }

  void matchesAtTheStartOnly() {
    const Regex name(R"(model\.layers\.0\.)", "test");
    QVERIFY(name.matchesStart("model.layers.0.mlp"));
    QVERIFY(!name.matchesStart("draft.model.layers.0.mlp"));
  }

  // Marks are part of words, wherever \w occurs.
  void wordCharacters() {
    const std::string text = "हिन्दी x_1";
    const size_t word = text.find(' ');
    QCOMPARE(find(Regex(R"(\w+)", "test"), text, 0), std::pair(size_t{0}, word));
    QCOMPARE(find(Regex(R"([\w]+)", "test"), text, 0), std::pair(size_t{0}, word));
    QCOMPARE(find(Regex(R"(\W+)", "test"), text, 0), std::pair(word, word + 1));
    QCOMPARE(find(Regex(R"([^\w]+)", "test"), text, 0), std::pair(word, word + 1));
    QCOMPARE(find(Regex(R"([]\w]+$)", "test"), text, 0), std::pair(word + 1, text.size()));
    QCOMPARE(find(Regex(R"(\\w)", "test"), "a\\w", 0), std::pair(size_t{1}, size_t{3}));
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

  // Catastrophic patterns are stopped.
  void stopsCatastrophicPatterns_data() {
    QTest::addColumn<QString>("pattern");
    QTest::addColumn<QByteArray>("text");
    const QByteArray many(100'000, 'a');
    QTest::newRow("nested") << "(a+)+$" << QByteArray(64, 'a') + "b";
    QTest::newRow("alternatives") << "(?:(?:a|b)*c?)*$" << many + "d";
    QTest::newRow("optional") << "(a?){64}a{64}" << QByteArray(64, 'a');
    // Few backtracking steps, but each reads the rest of the text.
    QTest::newRow("possessive") << "a*+[bc]" << many;
    QTest::newRow("lookahead") << "a(?=.*x)" << many + " x\n" + many + many;
    QTest::newRow("blanks at the end") << "\\s+$" << QByteArray(100'000, ' ') + "x";
  }
  void stopsCatastrophicPatterns() {
    QFETCH(QString, pattern);
    QFETCH(QByteArray, text);
    const Regex regex(pattern.toStdString(), "a.json", "normalizer");
    base::Budget budget = small(static_cast<size_t>(text.size()));
    const std::string wrong = test::check(
        test::refusalOf([&] { findAll(regex, text.toStdString(), budget); }), base::ErrorCode::NotSupported,
        {"a.json: normalizer: pattern '" + pattern.toStdString() + "'", "steps"});
    QVERIFY2(wrong.empty(), wrong.c_str());
    // A requested stop ends the search.
    std::stop_source source;
    source.request_stop();
    base::Budget stopped("a.json", {0, UINT64_MAX - 1, 600}, source.get_token());
    QVERIFY_EXCEPTION_THROWN(regex.find(text.toStdString(), 0, stopped), base::Cancelled);
  }

  void theLimitIsOneForAllMatches() {
    const Regex words("[a-z]+", "a.json");
    std::string text;
    while (text.size() < 200'000)
      text += "abc ";
    base::Budget one("a.json", {0, 500'000, 600});
    QVERIFY(words.find(text, 0, one)); // one match is cheap
    QVERIFY(one.steps() < 100);
    base::Budget all("a.json", {0, 500'000, 600});
    QVERIFY_EXCEPTION_THROWN(findAll(words, text, all), base::Error);
  }

  void equalsOneSearch_data() {
    QTest::addColumn<QString>("pattern");
    QTest::addColumn<bool>("isLinear"); // linear time in the library, on runs of one character
    const auto row = [](const char* pattern, bool isLinear) {
      QTest::newRow(pattern) << pattern << isLinear;
    };
    row(R"('s|'t| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)", true);
    row(R"([^\r\n\p{L}]?[\p{Lu}\p{M}]*[\p{Ll}\p{M}]+|\p{N}{1,3}|\s*[\r\n]+|\s+)", true);
    row(R"((?:[a-z](?=[a-z]|$))+)", true);
    row(R"((?s).{700}z?)", true);
    row(R"(a*)", true);
    row(R"(\b\p{L})", true);
    row(R"(\A +| +\z)", false);
    row(R"(\s+$)", false);
    row(R"((?<=b)a+c?)", false);
    row(R"((?m)^\s*\S+$)", false);
    row(R"((a|b)+c)", false);
    row(R"(a+\Kb)", false);
    row(R"(\d+(?=(\d{3})+(?!\d)))", false);
  }
  // Windows and callouts do not affect the result: the ranges equal those of one search by the library.
  void equalsOneSearch() {
    QFETCH(QString, pattern);
    QFETCH(bool, isLinear);
    const Regex regex(pattern.toStdString(), "test");
    const WholeSearch whole(pattern.toStdString());
    std::mt19937 random(7);
    for (int round = 0; round < 30; ++round) {
      const std::string text = randomText(random, isLinear && round % 6 == 0 ? 40'000 : 1'500);
      base::Budget budget = test::plenty();
      for (size_t from = 0; from <= text.size();) {
        const auto expected = whole.find(text, from);
        QCOMPARE(regex.find(text, from, budget), expected);
        if (!expected)
          break;
        from = std::max(expected->second, from + 1);
        while (from < text.size() && (static_cast<uint8_t>(text[from]) & 0xC0) == 0x80)
          ++from;
      }
    }
  }

  // A long run matches without overflowing the JIT stack.
  void longStretches() {
    const Regex words(R"((?:[a-z](?=[a-z]|$))+)", "test");
    const std::string text(1 << 17, 'a');
    QCOMPARE(find(words, text), std::optional(Regex::Range(0, text.size())));
  }
};

NIB_TEST(RegexTest)
#include "regex_test.moc"
