// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "exact_cache.hpp"
#include "runtime/block_graph.hpp"
#include "runtime/decoder.hpp"
#include "test_data.hpp"
#include "test_weights.hpp"

#include "../model/memory_checkpoint.hpp"
#include "nib_test.hpp"

#include <QTest>

using namespace nibblesmith;
using namespace nibblesmith::runtime;
using tensor::Matrix;
using test::TinyLlama;
using tokenizer::TokenId;

namespace {

std::vector<TokenId> someTokens(int64_t count, int64_t vocabulary) {
  std::mt19937 random(3);
  std::vector<TokenId> tokens;
  for (int64_t i = 0; i < count; ++i)
    tokens.push_back(static_cast<TokenId>(random() % static_cast<uint32_t>(vocabulary)));
  return tokens;
}

Matrix allLogits(const std::shared_ptr<const model::Model>& model, const std::vector<TokenId>& tokens,
                 WeightStorage storage = WeightStorage::AsStored, int threads = 1) {
  base::ThreadPool pool(threads);
  const Decoder decoder(model, storage, pool);
  KvCache cache(test::exactly(decoder.config()), static_cast<int64_t>(tokens.size()));
  return decoder.forward(tokens, cache, LogitsFor::AllTokens);
}

float furthest(const Matrix& a, const Matrix& b) { return (a - b).cwiseAbs().maxCoeff(); }

/// Runs the model like the quantization engine: block graphs, dense linears, no cache.
Matrix throughBlockGraphs(const model::Model& model, const std::vector<TokenId>& tokens) {
  const Matrix embedding = tensor::toMatrix(model.embedding());
  SequenceState state;
  state.hidden.resize(static_cast<int64_t>(tokens.size()), embedding.cols());
  for (size_t t = 0; t < tokens.size(); ++t)
    state.hidden.row(static_cast<int64_t>(t)) = embedding.row(tokens[t]);
  for (int64_t layer = 0; layer < model.config().numLayers; ++layer) {
    const model::BlockWeights block = model.block(layer);
    const BlockGraph graph(model.config(), block);
    graph.begin(state);
    for (int stage = 0; stage < graph.stageCount(); ++stage) {
      std::vector<Matrix> outputs;
      for (const size_t number : graph.stageLinears(stage))
        outputs.push_back(state.input * model::toMatrix(block.linears[number].weight).transpose());
      graph.finishStage(stage, outputs, state);
    }
  }
  return state.hidden;
}

base::Json golden() {
  return base::readJsonFile(test::projectFile("tests/golden/model/llama/expected.json"));
}

} // namespace

class DecoderTest : public QObject {
  Q_OBJECT

private slots:
  void agreesWithTransformers() {
    const base::Json expected = golden();
    const auto tokens = expected.at("ids").get<std::vector<TokenId>>();
    const auto rows = expected.at("logits").get<std::vector<std::vector<float>>>();
    const auto checkpoint = checkpoint::openCheckpoint(test::projectFile("tests/golden/model/llama"));
    const auto model = model::openModel(checkpoint);
    Matrix reference(static_cast<int64_t>(rows.size()), model->config().vocabularySize);
    for (size_t t = 0; t < rows.size(); ++t)
      for (size_t i = 0; i < rows[t].size(); ++i)
        reference(static_cast<int64_t>(t), static_cast<int64_t>(i)) = rows[t][i];
    QVERIFY(reference.cwiseAbs().maxCoeff() > 1.0f);
    for (const WeightStorage storage : {WeightStorage::AsStored, WeightStorage::Float32})
      QVERIFY(furthest(allLogits(model, tokens, storage), reference) < 1e-4f);

    // Negative controls: another theta, and gate and up exchanged.
    auto turned = std::make_shared<checkpoint::Checkpoint>(*checkpoint);
    turned->config["rope_parameters"]["rope_theta"] = 600.0;
    QVERIFY(furthest(allLogits(model::openModel(turned), tokens), reference) > 1e-2f);
    auto swapped = std::make_shared<checkpoint::Checkpoint>(*checkpoint);
    std::swap(swapped->tensors["model.layers.1.mlp.gate_proj.weight"],
              swapped->tensors["model.layers.1.mlp.up_proj.weight"]);
    QVERIFY(furthest(allLogits(model::openModel(swapped), tokens), reference) > 1e-2f);
  }

  void givesTheSameTokenByToken() {
    const auto model = model::openModel(TinyLlama{}.huggingFace());
    const auto tokens = someTokens(30, 40);
    const Matrix whole = allLogits(model, tokens);
    base::ThreadPool pool(1);
    const Decoder decoder(model, WeightStorage::AsStored, pool);
    // Steps of one token, then of 3, 13, 1 and 13 tokens in one sequence.
    for (const std::vector<size_t>& steps : {std::vector<size_t>(30, 1), std::vector<size_t>{3, 13, 1, 13}}) {
      KvCache cache(test::exactly(decoder.config()), 30);
      size_t at = 0;
      for (const size_t step : steps) {
        const Matrix last = decoder.forward(std::span(tokens).subspan(at, step), cache, LogitsFor::LastToken);
        at += step;
        QCOMPARE(last.rows(), 1);
        QCOMPARE(cache.position(), static_cast<int64_t>(at));
        QVERIFY(furthest(last, whole.row(static_cast<int64_t>(at) - 1)) < 1e-4f);
      }
      cache.clear();
      QVERIFY(furthest(decoder.forward(tokens, cache, LogitsFor::AllTokens), whole) == 0.0f);
    }
  }

  void readsLongPromptsInParts() {
    const auto model = model::openModel(TinyLlama{}.huggingFace());
    const auto tokens = someTokens(620, 40); // more than one chunk of 512
    const Matrix whole = allLogits(model, tokens);
    QCOMPARE(whole.rows(), 620);
    base::ThreadPool pool(2);
    const Decoder decoder(model, WeightStorage::AsStored, pool);
    KvCache cache(test::exactly(decoder.config()), 620);
    decoder.forward(std::span(tokens).first(300), cache, LogitsFor::LastToken);
    const Matrix rest = decoder.forward(std::span(tokens).subspan(300), cache, LogitsFor::AllTokens);
    QVERIFY(furthest(rest, whole.bottomRows(320)) < 1e-4f);
  }

  void agreesWithBlockGraphs() {
    const auto model = model::openModel(TinyLlama{}.huggingFace());
    const auto tokens = someTokens(25, 40);
    const Matrix hidden = throughBlockGraphs(*model, tokens);
    const tensor::Vector norm = tensor::toVector(model->finalNorm().weight);
    const Matrix head = model::toMatrix(model->outputHead().weight);
    Matrix normed = hidden;
    for (int64_t t = 0; t < hidden.rows(); ++t)
      normed.row(t) = hidden.row(t).cwiseProduct(norm.transpose()) /
                      std::sqrt(hidden.row(t).squaredNorm() / static_cast<float>(hidden.cols()) + 1e-5f);
    QVERIFY(furthest(allLogits(model, tokens), normed * head.transpose()) < 1e-4f);
    const BlockGraph graph(model->config(), model->block(0));
    SequenceState state;
    QVERIFY_EXCEPTION_THROWN(graph.finishStage(4, {}, state), base::Error);
    QVERIFY_EXCEPTION_THROWN(graph.finishStage(0, {}, state), base::Error);
  }

  void doesNotDependOnFormatOrThreads() {
    const auto tokens = someTokens(40, 40);
    const Matrix one = allLogits(model::openModel(TinyLlama{}.huggingFace()), tokens);
    QVERIFY(one == allLogits(model::openModel(TinyLlama{}.gguf()), tokens));
    for (const int threads : {2, 5})
      QVERIFY(one == allLogits(model::openModel(TinyLlama{}.huggingFace()), tokens, WeightStorage::AsStored,
                               threads));
  }

  void refusesBadInput() {
    const auto model = model::openModel(TinyLlama{}.huggingFace());
    base::ThreadPool pool(1);
    const Decoder decoder(model, WeightStorage::AsStored, pool);
    KvCache cache(test::exactly(decoder.config()), 4);
    const auto refused = [&](const std::vector<TokenId>& tokens) {
      try {
        decoder.forward(tokens, cache, LogitsFor::LastToken);
      } catch (const base::Error& error) {
        return error.code() == base::ErrorCode::InvalidArgument;
      }
      return false;
    };
    QVERIFY(refused({}));
    QVERIFY(refused({40}));
    QVERIFY(refused({-1}));
    QVERIFY(refused({1, 2, 3, 4, 5}));
    QCOMPARE(cache.position(), 0);
    decoder.forward(std::vector<TokenId>{1, 2, 3, 4}, cache, LogitsFor::LastToken);
    QVERIFY(refused({1}));
    QVERIFY_EXCEPTION_THROWN(KvCache(decoder.config(), 0), base::Error);
    QVERIFY_EXCEPTION_THROWN(KvCache(decoder.config(), std::numeric_limits<int64_t>::max()), base::Error);
    QCOMPARE(cache.bytes(), uint64_t{2 * 2 * 4 * 16 * 4});
  }

  void refusesNaNWeights() {
    const auto checkpoint = TinyLlama{}.huggingFace();
    Matrix values = tensor::toMatrix(checkpoint->tensor("model.layers.1.mlp.up_proj.weight"));
    values(3, 4) = std::nanf("");
    checkpoint->tensors["model.layers.1.mlp.up_proj.weight"] = tensor::ownedView(values);
    base::ThreadPool pool(1);
    try {
      const Decoder decoder(model::openModel(checkpoint), WeightStorage::Float32, pool);
      QFAIL("accepted");
    } catch (const base::Error& error) {
      QVERIFY(error.code() == base::ErrorCode::Numerical);
      QCOMPARE(
          std::string(error.what()),
          std::string("'model.layers.1.mlp.up_proj': expected finite values, found NaN at row 3, column 4"));
    }
  }

  void countsWeightBytes() {
    base::ThreadPool pool(1);
    TinyLlama tiny;
    const auto parameters = model::summarize(*model::openModel(tiny.huggingFace())).parameters;
    QCOMPARE(Decoder(model::openModel(tiny.huggingFace()), WeightStorage::AsStored, pool).weightBytes(),
             4 * parameters);
    tiny.tied = true;
    const auto tied = model::summarize(*model::openModel(tiny.huggingFace())).parameters;
    QCOMPARE(Decoder(model::openModel(tiny.huggingFace()), WeightStorage::AsStored, pool).weightBytes(),
             4 * tied);
    QCOMPARE(parameters - tied, uint64_t{40 * 32});
  }

  void stopsLoading() {
    base::ThreadPool pool(1);
    base::NoProgress progress;
    std::stop_source source;
    source.request_stop();
    QVERIFY_EXCEPTION_THROWN(Decoder(model::openModel(TinyLlama{}.huggingFace()), WeightStorage::AsStored,
                                     pool, progress, source.get_token()),
                             base::Cancelled);
  }
};

NIB_TEST(DecoderTest)
#include "decoder_test.moc"
