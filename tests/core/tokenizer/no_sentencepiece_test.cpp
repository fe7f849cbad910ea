// SPDX-License-Identifier: Apache-2.0
#include "nib_test.hpp"
#include "test_data.hpp"
#include "tokenizer/tokenizer.hpp"

#include <QtTest>

using namespace nibblesmith;

/// A program without the sentencepiece library says so, and reads the other files all the same.
class NoSentencepieceTest : public QObject {
  Q_OBJECT

private:
  static std::shared_ptr<const tokenizer::Tokenizer> load(const std::string& folder) {
    checkpoint::Checkpoint files;
    files.path = test::projectFile("tests/golden/tokenizer/" + folder);
    files.config = base::Json::object();
    return tokenizer::loadTokenizer(files);
  }

private slots:
  void refusesTokenizerModel() {
    try {
      load("sentencepiece");
      QFAIL("was accepted");
    } catch (const base::Error& error) {
      QVERIFY(error.code() == base::ErrorCode::NotSupported);
      QVERIFY(QString(error.what()).contains("GGUF"));
    }
  }
  void readsTokenizerJson() { QVERIFY(!load("byte_level")->encode("The board", false).empty()); }
};

NIB_TEST(NoSentencepieceTest)
#include "no_sentencepiece_test.moc"
