// SPDX-License-Identifier: Apache-2.0
#include "base/file.hpp"
#include "base/thread_pool.hpp"
#include "exact_cache.hpp"
#include "nib_test.hpp"
#include "runtime/generate.hpp"
#include "test_data.hpp"

#include <QTest>

#include <cstring>

using namespace nibblesmith;
using namespace nibblesmith::runtime;
using tensor::Matrix;
using tokenizer::TokenId;

namespace {

/// Reads NumPy's .npy version 1: magic, length, text header, row-major f32.
Matrix readNpy(const std::filesystem::path& path, int64_t rows, int64_t cols) {
  const std::string bytes = base::readTextFile(path);
  uint16_t headerLength = 0;
  std::memcpy(&headerLength, bytes.data() + 8, 2);
  Matrix values(rows, cols);
  const size_t size = static_cast<size_t>(values.size()) * sizeof(float);
  if (bytes.size() != 10u + headerLength + size || bytes.find("'<f4'") == std::string::npos)
    return {};
  std::memcpy(values.data(), bytes.data() + 10 + headerLength, size);
  return values;
}

std::shared_ptr<const checkpoint::Checkpoint> open(bool gguf) {
  return checkpoint::openCheckpoint(
      test::sharedData(gguf ? "stories260K/stories260K.f32.gguf" : "stories260K/hf"));
}

std::string greedyText(const std::shared_ptr<const checkpoint::Checkpoint>& checkpoint,
                       WeightStorage storage) {
  base::ThreadPool pool(2);
  const Decoder decoder(model::openModel(checkpoint), storage, pool);
  const auto tokenizer = tokenizer::loadTokenizer(*checkpoint);
  const std::vector<TokenId> prompt = {1};
  return tokenizer->decode(generate(decoder, prompt, 200, {}, {}, {}));
}

float worstLogit(const std::shared_ptr<const checkpoint::Checkpoint>& checkpoint, WeightStorage storage) {
  const base::Json reference =
      base::readJsonFile(test::sharedData("stories260K/ref_logits_story_prefix.json"));
  const auto ids = reference.at("ids").get<std::vector<TokenId>>();
  const auto count = static_cast<int64_t>(ids.size());
  const Matrix expected = readNpy(test::sharedData("stories260K/ref_logits_story_prefix.npy"), count, 512);
  base::ThreadPool pool(2);
  const Decoder decoder(model::openModel(checkpoint), storage, pool);
  KvCache cache(test::exactly(decoder.config()), count);
  const Matrix logits = decoder.forward(ids, cache, LogitsFor::AllTokens);
  if (expected.size() != logits.size())
    return 1e9f;
  return (logits - expected).cwiseAbs().maxCoeff();
}

} // namespace

/// A small real model with published text and logits.
class StoriesTest : public QObject {
  Q_OBJECT

private slots:
  void initTestCase() { NIB_REQUIRE_DATA(test::sharedData("stories260K/expected_greedy_200.txt")); }

  void tellsTheStory_data() {
    QTest::addColumn<bool>("gguf");
    QTest::addColumn<bool>("unpacked");
    QTest::addRow("safetensors, as stored") << false << false;
    QTest::addRow("safetensors, unpacked") << false << true;
    QTest::addRow("GGUF, as stored") << true << false;
    QTest::addRow("GGUF, unpacked") << true << true;
  }
  void tellsTheStory() {
    QFETCH(bool, gguf);
    QFETCH(bool, unpacked);
    const WeightStorage storage = unpacked ? WeightStorage::Float32 : WeightStorage::AsStored;
    const std::string expected = base::readTextFile(test::sharedData("stories260K/expected_greedy_200.txt"));
    QCOMPARE(greedyText(open(gguf), storage), expected);
    QVERIFY(worstLogit(open(gguf), storage) < 1e-4f);
  }

  void noticesAWrongNetwork() {
    const std::string expected = base::readTextFile(test::sharedData("stories260K/expected_greedy_200.txt"));
    const auto turned = std::make_shared<checkpoint::Checkpoint>(*open(false));
    turned->config["rope_theta"] = 9000.0;
    QVERIFY(worstLogit(turned, WeightStorage::AsStored) > 1e-3f);
    QVERIFY(greedyText(turned, WeightStorage::AsStored) != expected);

    const auto swapped = std::make_shared<checkpoint::Checkpoint>(*open(false));
    std::swap(swapped->tensors["model.layers.2.mlp.gate_proj.weight"],
              swapped->tensors["model.layers.2.mlp.up_proj.weight"]);
    QVERIFY(worstLogit(swapped, WeightStorage::AsStored) > 1e-3f);
    QVERIFY(greedyText(swapped, WeightStorage::AsStored) != expected);

    // Negative control: the GGUF rows without permutation, as if they were in Hugging Face's order.
    const auto gguf = std::make_shared<checkpoint::Checkpoint>(*open(false));
    gguf->tensors["model.layers.0.self_attn.q_proj.weight"] = open(true)->tensor("blk.0.attn_q.weight");
    QVERIFY(worstLogit(gguf, WeightStorage::AsStored) > 1e-3f);
  }
};

NIB_TEST(StoriesTest)
#include "stories_test.moc"
