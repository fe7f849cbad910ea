// SPDX-License-Identifier: Apache-2.0
#include "base/file.hpp"
#include "base/thread_pool.hpp"
#include "exact_cache.hpp"
#include "nib_test.hpp"
#include "runtime/generate.hpp"
#include "test_data.hpp"

#include <QTest>

#include <algorithm>
#include <cstdlib>

using namespace nibblesmith;
using namespace nibblesmith::runtime;
using tokenizer::TokenId;

namespace {

/// Returns $NIBBLESMITH_SMOLLM2, or a GGUF file under the cache's peers/smollm2; empty if there is none.
std::filesystem::path modelFile() {
  if (const char* named = std::getenv("NIBBLESMITH_SMOLLM2"); named && *named)
    return named;
  std::error_code error;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(base::cacheDirectory() / "peers/smollm2", error))
    if (entry.path().extension() == ".gguf")
      return entry.path();
  return {};
}

} // namespace

/// SmolLM2-135M-Instruct as Q4_1: grouped heads, tied Q8_0 embeddings, byte-level BPE.
class SmolLm2Test : public QObject {
  Q_OBJECT

private slots:
  void initTestCase() {
    m_file = modelFile();
    if (m_file.empty())
      QSKIP("needs SmolLM2-135M as a GGUF (NIBBLESMITH_SMOLLM2)");
    m_checkpoint = checkpoint::openCheckpoint(m_file);
  }

  void readsItsConfiguration() {
    const auto summary = model::summarize(*model::openModel(m_checkpoint));
    QCOMPARE(summary.config.numHeads, 9);
    QCOMPARE(summary.config.numKeyValueHeads, 3);
    QCOMPARE(summary.config.rotary().theta, 100000.0f);
    QVERIFY(summary.config.tiedEmbeddings);
    QCOMPARE(summary.parameters, uint64_t{134515008});
  }

  void knowsTheCapital() {
    const auto tokenizer = tokenizer::loadTokenizer(*m_checkpoint);
    const auto prompt = tokenizer->encode("The capital of Italy is", true);
    base::ThreadPool pool;
    for (const WeightStorage storage : {WeightStorage::AsStored, WeightStorage::Float32}) {
      const Decoder decoder(model::openModel(m_checkpoint), storage, pool);
      const auto tokens = generate(decoder, prompt, 1, {}, {}, {});
      QCOMPARE(tokenizer->decode(tokens), std::string(" Rome"));
    }
  }

  void readsPromptsAsItGenerates() {
    const auto tokenizer = tokenizer::loadTokenizer(*m_checkpoint);
    const auto tokens = tokenizer->encode(
        "A lighthouse keeper wrote down the weather every evening: wind, waves, and how far he could see.",
        true);
    QVERIFY(tokens.size() > 16);
    base::ThreadPool pool;
    const Decoder decoder(model::openModel(m_checkpoint), WeightStorage::AsStored, pool);
    const auto count = static_cast<int64_t>(tokens.size());
    KvCache whole(test::exactly(decoder.config()), count);
    const tensor::Matrix expected = decoder.forward(tokens, whole, LogitsFor::AllTokens);
    KvCache cache(test::exactly(decoder.config()), count);
    // Logits of a real model reach several tens; the f32 rounding of thirty layers stays well below this.
    const float tolerance = 2e-4f * expected.cwiseAbs().maxCoeff();
    for (int64_t t = 0; t < count; ++t) {
      const tensor::Matrix logits =
          decoder.forward(std::span(tokens).subspan(static_cast<size_t>(t), 1), cache, LogitsFor::LastToken);
      QVERIFY((logits.row(0) - expected.row(t)).cwiseAbs().maxCoeff() < tolerance);
    }
  }

private:
  std::filesystem::path m_file;
  std::shared_ptr<const checkpoint::Checkpoint> m_checkpoint;
};

NIB_TEST(SmolLm2Test)
#include "smollm2_test.moc"
