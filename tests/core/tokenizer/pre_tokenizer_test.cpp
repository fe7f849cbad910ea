// SPDX-License-Identifier: Apache-2.0
#include "base/json.hpp"
#include "nib_test.hpp"
#include "plenty.hpp"
#include "test_data.hpp"
#include "tokenizer/pipeline_json.hpp"
#include "tokenizer/pre_types.hpp"

#include <QtTest>

using namespace nibblesmith;
using namespace nibblesmith::tokenizer;
using base::Json;

namespace {

std::vector<std::string> cut(const BpeModel& model, const std::string& text) {
  base::Budget budget = test::plenty();
  const std::string normalized =
      model.preparation.apply(model.normalizer.apply(text, true, budget), true, budget);
  std::vector<std::string> pieces;
  model.preTokenizer.split(normalized, budget, [&](std::string_view piece) { pieces.emplace_back(piece); });
  return pieces;
}

} // namespace

class PreTokenizerTest : public QObject {
  Q_OBJECT

private slots:
  // Expected splits from huggingface/tokenizers, see tests/golden/tokenizer/make_golden.py.
  void cutsEqualTheReference() {
    const Json golden = base::readJsonFile(test::projectFile("tests/golden/tokenizer/cuts.json"));
    const auto texts = golden.at("texts").get<std::vector<std::string>>();
    QVERIFY(golden.at("cases").size() >= 26);
    for (const Json& row : golden.at("cases")) {
      BpeModel model;
      readPreTokenizer(row.at("pre_tokenizer"), "golden", model);
      for (size_t i = 0; i < texts.size(); ++i) {
        const auto expected = row.at("pieces")[i].get<std::vector<std::string>>();
        const auto actual = cut(model, texts[i]);
        QVERIFY2(actual == expected, (row.at("pre_tokenizer").dump() + " " + Json(texts[i]).dump() + ": " +
                                      Json(actual).dump() + " instead of " + Json(expected).dump())
                                         .c_str());
      }
    }
  }

  void bytesThatAreNoTextStandAlone() {
    BpeModel model;
    model.preTokenizer.add({kGpt2Pattern}, "test");
    QCOMPARE(cut(model, "ab\xff\xc3 cd"), (std::vector<std::string>{"ab", "\xff", "\xc3", " cd"}));
    QCOMPARE(cut(model, "\xed\xa0\x80"), (std::vector<std::string>{"\xed", "\xa0", "\x80"})); // a surrogate
    QCOMPARE(cut(model, ""), std::vector<std::string>{});
  }

  void namesOfPreTypes() {
    for (const char* name : {"gpt-2", "smollm", "llama-bpe", "qwen2", "tekken", "gpt-4o", "falcon",
                             "deepseek-llm", "deepseek-coder", "deepseek-v3", "default"}) {
      const PreType& type = preTypeNamed(name, "test");
      PreTokenizer preTokenizer;
      for (const std::string& pattern : type.patterns)
        preTokenizer.add({pattern}, "test");
      QCOMPARE(nameOfPreType(preTokenizer, type.ignoreMerges), std::string(name));
    }
    const auto cutAs = [](const char* name, const std::string& text) {
      BpeModel model;
      for (const std::string& pattern : preTypeNamed(name, "test").patterns)
        model.preTokenizer.add({pattern}, "test");
      return cut(model, text);
    };
    const std::string text = "def f1(x):\n  return \xE4\xB8\xAD\xE6\x96\x87 12345";
    QCOMPARE(cutAs("deepseek-v3", text),
             (std::vector<std::string>{"def", " f", "1", "(x", "):\n", " ", " return", " ",
                                       "\xE4\xB8\xAD\xE6\x96\x87", " ", "123", "45"}));
    QCOMPARE(cutAs("deepseek-coder", text).back(), std::string("5"));
    QCOMPARE(cutAs("deepseek-llm", text).back(), std::string("12345"));
    PreTokenizer other;
    other.add({"x+"}, "test");
    QCOMPARE(nameOfPreType(other, false), std::string());
    QVERIFY_EXCEPTION_THROWN(preTypeNamed("no-such", "test"), base::Error);
  }

  void normalizers() {
    Normalizer normalizer;
    normalizer.addFromJson(Json::parse(R"([{"type": "Prepend", "prepend": "_"}, {"type": "NFC"}])")[0],
                           "test");
    normalizer.addFromJson(
        Json::parse(R"({"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "+"})"), "test");
    normalizer.addFromJson(Json::parse(R"({"type": "Replace", "pattern": {"String": "."}, "content": "!"})"),
                           "test");
    base::Budget budget = test::plenty();
    QCOMPARE(normalizer.apply("a   b c.d", true, budget), std::string("_a+b c!d"));
    QCOMPARE(normalizer.apply("", true, budget), std::string());
    Normalizer strip;
    strip.addFromJson(Json::parse(R"({"type": "Strip", "strip_left": true, "strip_right": false})"), "test");
    QCOMPARE(strip.apply(" \t a ", true, budget), std::string("a "));
    // Only the texts' own bytes stay charged.
    QCOMPARE(budget.bytes(), uint64_t{8 + 2});
  }

  // Normalizing a text longer than one part gives the same as a whole.
  void formsOfLongTexts() {
    base::Budget budget = test::plenty();
    const auto nfc = [&](const std::string& text) { return toForm(text, UnicodeForm::Nfc, budget, "test"); };
    const auto nfd = [&](const std::string& text) { return toForm(text, UnicodeForm::Nfd, budget, "test"); };
    const std::string composed = "\xC3\xA9";    // U+00E9
    const std::string decomposed = "e\xCC\x81"; // U+0065 U+0301
    for (const std::string& filler : {std::string("x"), std::string("\xE4\xB8\xAD"), composed}) {
      std::string text, parts;
      while (text.size() < 70'000) {
        text += decomposed + filler;
        parts += composed + filler;
      }
      for (int shift = 0; shift < 4; ++shift) {
        const std::string front(static_cast<size_t>(shift), ' ');
        QVERIFY(nfc(front + text) == front + parts);
        QVERIFY(nfd(front + parts) == nfd(front + text));
      }
    }
  }
};

NIB_TEST(PreTokenizerTest)
#include "pre_tokenizer_test.moc"
