// SPDX-License-Identifier: Apache-2.0
#include "job_test.hpp"

#include "nib_test.hpp"
#include "quantization/cost.hpp"
#include "quantization/output_error.hpp"
#include "runtime/linear.hpp"
#include "tensor/bf16_matrix.hpp"

#include <QTest>

#include <cmath>
#include <limits>

using namespace nibblesmith;
using tensor::Matrix;
using test::Job;

namespace {

Matrix asBf16(const Matrix& values) { return tensor::widened(tensor::narrowed(values)); }

/// Quantizes rows to 8 bits like the engine's forward products: one block, because rows are narrow here.
Matrix asInt8(const Matrix& values) {
  Matrix result(values.rows(), values.cols());
  for (int64_t r = 0; r < values.rows(); ++r) {
    // Quantized weights often lie on ties, so the rounding of the quotient matters.
    const float largest = values.row(r).cwiseAbs().maxCoeff(), scale = largest / 127.0f,
                inverse = 127.0f / largest;
    result.row(r) = values.row(r).unaryExpr([&](float x) { return scale * std::nearbyint(x * inverse); });
  }
  return result;
}

/// Reference engine in plain loops: one sequence after the other, no files, no pool.
std::map<std::string, tensor::QuantizedTensor> plainEngine(const model::Model& model,
                                                           const calibration::CalibrationSet& set,
                                                           const quantization::Rounding& rounding,
                                                           const quantization::Grid& grid) {
  base::ThreadPool pool(1);
  std::map<std::string, tensor::QuantizedTensor> results;
  std::vector<runtime::SequenceState> states;
  runtime::StepContext step;
  step.bf16Attention = true;
  const Matrix embedding = tensor::toMatrix(model.embedding());
  for (const auto& sequence : set.sequences) {
    auto& state = states.emplace_back();
    state.hidden.resize(static_cast<int64_t>(sequence.size()), embedding.cols());
    for (size_t t = 0; t < sequence.size(); ++t)
      state.hidden.row(static_cast<int64_t>(t)) = embedding.row(sequence[t]);
  }
  for (int64_t b = 0; b < model.config().numLayers; ++b) {
    const auto block = model.block(b);
    const runtime::BlockGraph graph(model.config(), block);
    for (auto& state : states)
      graph.begin(state);
    for (int stage = 0; stage < graph.stageCount(); ++stage) {
      tensor::MatrixD sum;
      int64_t tokens = 0;
      for (const auto& state : states) {
        const tensor::MatrixD X = asBf16(state.input).cast<double>();
        sum = tokens == 0 ? tensor::MatrixD(X.transpose() * X) : tensor::MatrixD(sum + X.transpose() * X);
        tokens += X.rows();
      }
      const Matrix H = (sum * (2.0 / static_cast<double>(tokens))).cast<float>();
      std::vector<Matrix> weights;
      for (const size_t number : graph.stageLinears(stage)) {
        const auto& linear = block.linears[number];
        const Matrix W = model::toMatrix(linear.weight);
        results[linear.name] = rounding.round({linear.name, W, &H, grid}, pool, {}).tensor;
        weights.push_back(results[linear.name].dequantize());
      }
      for (auto& state : states) {
        std::vector<Matrix> outputs;
        for (const Matrix& W : weights)
          outputs.push_back(asInt8(asBf16(state.input)) * asInt8(W).transpose());
        graph.finishStage(stage, outputs, state, step);
      }
    }
  }
  return results;
}

/// Progress that checks its own contract.
class CheckedProgress final : public base::Progress {
public:
  void report(double fraction, std::string_view stage) override {
    m_ordered = m_ordered && fraction >= m_last && fraction <= 1.0;
    m_last = fraction;
    m_stages.emplace_back(stage);
  }
  bool ordered() const { return m_ordered; }
  double last() const { return m_last; }
  bool saw(const std::string& stage) const {
    return std::find(m_stages.begin(), m_stages.end(), stage) != m_stages.end();
  }

private:
  bool m_ordered = true;
  double m_last = 0;
  std::vector<std::string> m_stages;
};

} // namespace

class EngineTest : public test::JobTest {
  Q_OBJECT
private slots:
  void stagesSeeQuantizedInputs();
  void threadsDoNotChangeTheBytes();
  void nearestNeedsNoCalibration();
  void policyIsFollowed();
  void everyGrid_data();
  void everyGrid();
  void gridsAreMixed();
  void reportsAndProgress();
  void relativeErrorIsThatOfTheOutputs();
  void estimates();
  void workIsThatOfWhatIsRounded();
  void refusals_data();
  void refusals();
  void brokenWeightsAreNamed();
};

void EngineTest::stagesSeeQuantizedInputs() {
  auto work = job("plain");
  work.recipe.grid.parameters = {{"bits", 3}, {"groupSize", 16}};
  const auto result = run(work);
  const auto grid = quantization::makeGrid("affine", work.recipe.grid.parameters);
  const auto expected =
      plainEngine(*m_model, m_calibration, *methods().makeRounding("gptq", base::Json::object()), *grid);
  QCOMPARE(expected.size(), size_t{21});
  const auto differing = [&](const quantization::QuantizedModel& model, int64_t block) {
    int64_t count = 0;
    const auto quantized = model.block(block).linears;
    for (const auto& [name, q] : quantized) {
      const auto& other = expected.at(name);
      for (size_t i = 0; i < q.codes.size(); ++i)
        count += q.codes[i] != other.codes[i];
    }
    return count;
  };
  const int64_t codes = 48 * 48 * 2 + 24 * 48 * 2 + 80 * 48 * 3;
  // Both work in f32 with sums in different orders, so a tie occasionally breaks the other way and changes
  // later inputs.
  QVERIFY2(differing(result, 0) * 500 < codes, qPrintable(QString::number(differing(result, 0))));
  QVERIFY2(differing(result, 1) * 50 < codes, qPrintable(QString::number(differing(result, 1))));
  QVERIFY2(differing(result, 2) * 20 < codes, qPrintable(QString::number(differing(result, 2))));
  // Negative control: with other calibration text, far more codes differ.
  auto other = job("other");
  other.recipe.grid.parameters = work.recipe.grid.parameters;
  auto shifted = m_calibration;
  shifted.sequences.resize(3);
  shifted.hash = "other";
  other.calibration = &shifted;
  const auto control = run(other);
  QVERIFY2(differing(control, 0) * 10 > codes, qPrintable(QString::number(differing(control, 0))));
}

void EngineTest::threadsDoNotChangeTheBytes() {
  std::vector<std::string> bytes;
  for (const int threads : {1, 2, 5}) {
    const auto work = job("threads" + std::to_string(threads));
    run(work, threads);
    bytes.push_back(test::blockBytes(work.workDirectory));
  }
  QVERIFY(bytes[0].size() > 10000);
  QVERIFY(bytes[0] == bytes[1]);
  QVERIFY(bytes[0] == bytes[2]);
}

void EngineTest::nearestNeedsNoCalibration() {
  auto work = job("rtn");
  work.recipe.rounding = {"rtn", base::Json::object()};
  work.calibration = nullptr;
  const auto result = run(work);
  QCOMPARE(result.layers.size(), size_t{21});
  const auto grid = quantization::makeGrid("affine", work.recipe.grid.parameters);
  const auto block = result.block(2).linears;
  for (const auto& [name, q] : block) {
    const Matrix W = tensor::toMatrix(m_model->checkpoint().tensor(name));
    QVERIFY((q.dequantize() - W).cwiseAbs().maxCoeff() <= 0.55f * q.scales.maxCoeff());
  }
  for (const auto& layer : result.layers) {
    QCOMPARE(layer.relativeOutputError, 0.0);
    QVERIFY(layer.weightError.meanSquaredError > 0);
  }
}

void EngineTest::policyIsFollowed() {
  auto work = job("policy");
  work.recipe.policy.keep.push_back("*.v_proj");
  work.recipe.policy.keep.push_back("layers.1.*");
  work.recipe.policy.overrides = {{"layers.0.mlp.*", {{"bits", 8}}},
                                  {"model.layers.2.self_attn.q_proj", {{"granularity", "channel"}}}};
  const auto result = run(work);
  QVERIFY(result.block(1).linears.empty());
  const auto first = result.block(0).linears;
  QCOMPARE(first.size(), size_t{6});
  QVERIFY(!first.contains("model.layers.0.self_attn.v_proj"));
  QCOMPARE(first.at("model.layers.0.mlp.up_proj").bits, 8);
  QCOMPARE(first.at("model.layers.0.self_attn.q_proj").bits, 4);
  const auto last = result.block(2).linears;
  QCOMPARE(last.at("model.layers.2.self_attn.q_proj").groups(), int64_t{1});
  QCOMPARE(last.at("model.layers.2.self_attn.k_proj").groups(), int64_t{3});
  QCOMPARE(result.layers.size(), size_t{12});
}

void EngineTest::everyGrid_data() {
  QTest::addColumn<QString>("use");
  QTest::addColumn<QString>("parameters");
  QTest::addColumn<QString>("described");
  QTest::newRow("nf4") << "nf4"
                       << R"({"groupSize":32})"
                       << "NF4 group 32";
  QTest::newRow("nf4 double") << "nf4"
                              << R"({"groupSize":32,"doubleQuant":true})"
                              << "NF4 group 32, 8-bit scales";
  QTest::newRow("fp4") << "fp4"
                       << R"({"groupSize":32})"
                       << "FP4 group 32";
  QTest::newRow("log") << "log"
                       << R"({"bits":4,"groupSize":32})"
                       << "log 4-bit group 32";
  QTest::newRow("learned groups") << "learned"
                                  << R"({"bits":2,"granularity":"group","groupSize":32})"
                                  << "learned 2-bit group 32";
  QTest::newRow("learned channels") << "learned"
                                    << R"({"bits":3})"
                                    << "learned 3-bit per channel";
  QTest::newRow("2 bits asymmetric") << "affine"
                                     << R"({"bits":2,"symmetric":false,"groupSize":32})"
                                     << "2-bit group 32 asymmetric";
}

void EngineTest::everyGrid() {
  QFETCH(QString, use);
  QFETCH(QString, parameters);
  QFETCH(QString, described);
  const auto rounded = [&](const std::string& rounding, const base::Json& options, int threads) {
    auto work = job((QTest::currentDataTag() + rounding + options.dump() + std::to_string(threads)));
    work.recipe.grid = {use.toStdString(), base::Json::parse(parameters.toStdString())};
    work.recipe.rounding = {rounding, options};
    const auto result = run(work, threads);
    return std::pair(result, test::blockBytes(work.workDirectory));
  };
  const auto meanError = [](const quantization::QuantizedModel& model) {
    double sum = 0;
    for (const auto& layer : model.layers)
      sum += layer.weightError.meanSquaredError;
    return sum;
  };
  const auto [gptq, bytes] = rounded("gptq", base::Json::object(), 1);
  QVERIFY(rounded("gptq", base::Json::object(), 2).second == bytes);
  QVERIFY(rounded("gptq", base::Json::object(), 5).second == bytes);
  for (const auto& layer : gptq.layers) {
    QCOMPARE(layer.requested, described.toStdString());
    QCOMPARE(layer.effective, layer.requested);
  }
  // Groups by position, fitted inside the loop, take another path through the same grid.
  const auto [indexed, indexedBytes] = rounded("gptq", {{"actOrder", "dynamic"}}, 2);
  QVERIFY(indexedBytes != bytes);
  QVERIFY(meanError(indexed) < 10 * meanError(gptq));
  const auto [rtn, rtnBytes] = rounded("rtn", base::Json::object(), 2);
  QVERIFY(rounded("rtn", base::Json::object(), 5).second == rtnBytes);
  // RTN has the smaller weight error, GPTQ the smaller output error in the first stage.
  QVERIFY(meanError(rtn) < meanError(gptq));
  base::ThreadPool pool(1);
  const auto block = gptq.block(0);
  for (const auto& [name, q] : block.linears) {
    q.validate(name);
    const Matrix W = tensor::toMatrix(m_model->checkpoint().tensor(name));
    const Matrix X = Matrix::Random(5, W.cols());
    Matrix y(5, W.rows());
    runtime::makeLinear({name, q, std::nullopt}, runtime::WeightStorage::AsStored)
        ->forward(X.data(), 5, y.data(), pool);
    const Matrix expected = X * q.dequantize().transpose();
    QVERIFY((y - expected).norm() <= 1e-5f * expected.norm());
    QVERIFY((W - q.dequantize()).norm() < 0.7f * W.norm());
  }
}

void EngineTest::gridsAreMixed() {
  auto work = job("mixed");
  work.recipe.grid = {"nf4", {{"groupSize", 32}}};
  work.recipe.policy.overrides = {{"*.down_proj", {{"use", "affine"}, {"bits", 8}, {"groupSize", 16}}},
                                  {"*.v_proj", {{"doubleQuant", true}}}};
  const auto result = run(work);
  const auto block = result.block(1).linears;
  QVERIFY(block.at("model.layers.1.mlp.down_proj").isAffine());
  QCOMPARE(block.at("model.layers.1.mlp.down_proj").bits, 8);
  QVERIFY(!block.at("model.layers.1.self_attn.q_proj").isAffine());
  QVERIFY(block.at("model.layers.1.self_attn.v_proj").nestedScales.has_value());
  QVERIFY(!block.at("model.layers.1.self_attn.q_proj").nestedScales.has_value());
}

void EngineTest::reportsAndProgress() {
  base::ThreadPool pool(2);
  auto work = job("reports");
  work.recipe.grid.parameters = {{"bits", 4}, {"groupSize", 32}};
  CheckedProgress progress;
  const auto result = quantization::quantizeModel(work, pool, {}, progress);
  QVERIFY(progress.ordered());
  QCOMPARE(progress.last(), 1.0);
  QVERIFY(progress.saw("block 2 of 3: q, k, v"));
  QVERIFY(progress.saw("block 3 of 3: down"));
  QCOMPARE(result.layers.size(), size_t{21});
  QCOMPARE(result.layers[0].name, std::string("model.layers.0.self_attn.q_proj"));
  for (const auto& layer : result.layers) {
    QCOMPARE(layer.requested, std::string("4-bit group 32 symmetric"));
    QVERIFY(layer.relativeOutputError > 0.001 && layer.relativeOutputError < 0.3);
    QVERIFY(layer.weightError.signalToNoiseDb > 10 && layer.weightError.signalToNoiseDb < 40);
    QCOMPARE(layer.fallbacks, std::vector<std::string>{"last group of each row has 16 of 32 weights"});
  }
  QVERIFY(result.notes.empty());
  QVERIFY(result.actual.seconds > 0 && result.actual.diskBytes > 10000 &&
          result.actual.peakMemoryBytes > 1000000);
  QVERIFY(result.phases.hessian > 0 && result.phases.rounding > 0 && result.phases.forward > 0);
}

void EngineTest::relativeErrorIsThatOfTheOutputs() {
  base::ThreadPool pool(2);
  // Wider than one block of the symmetric product, and with a large mean that cancels.
  const Matrix X = (Matrix::Random(300, 450).array() + 0.5f).matrix();
  const Matrix W = Matrix::Random(210, 450);
  const Matrix Q = W + 0.02f * Matrix::Random(210, 450);
  const Matrix H = 2.0f / 300.0f * (X.transpose() * X);
  const double expected = static_cast<double>((X * (Q - W).transpose()).norm() / (X * W.transpose()).norm());
  const double found = quantization::relativeOutputError(W, Q, H, pool, {});
  QVERIFY2(std::abs(found / expected - 1.0) < 1e-4,
           qPrintable(QStringLiteral("%1 %2").arg(found).arg(expected)));
  const double norm = (X * (Q - W).transpose()).squaredNorm() * 2.0 / 300.0;
  QVERIFY(std::abs(quantization::outputErrors(Q - W, H).sum() / norm - 1.0) < 1e-4);
  QVERIFY(std::abs(quantization::SummedOutputErrors(H)(Q - W) / norm - 1.0) < 2e-3);
  QCOMPARE(quantization::relativeOutputError(W, W, H, pool, {}), 0.0);
  QCOMPARE(quantization::relativeOutputError(Matrix::Zero(2, 450), Matrix::Zero(2, 450), H, pool, {}), 0.0);
}

void EngineTest::estimates() {
  auto work = job("estimate");
  const auto use = quantization::estimateResources(work);
  QVERIFY(use.seconds > 0 && use.peakMemoryBytes > 1000000);
  work.recipe.grid.parameters["bits"] = 8;
  QVERIFY(quantization::estimateResources(work).diskBytes > use.diskBytes * 3 / 2);
  // Computed by hand: f32 embedding and norms, linears at 4 bits with an f16 scale per 16 weights.
  const auto bytesOf = [this](const quantization::Recipe& recipe) {
    return quantization::estimateArtifactBytes(*quantization::makePlan(m_model, recipe, methods()));
  };
  const uint64_t weights = 48 * 48 * 2 + 24 * 48 * 2 + 80 * 48 * 3;
  const uint64_t expected = 60 * 48 * 4 + 48 * 4 + 3 * (2 * 48 * 4 + weights / 2 + weights / 16 * 2);
  QCOMPARE(bytesOf(test::gptqRecipe()), expected);
  auto kept = test::gptqRecipe();
  kept.policy.keep.push_back("*.mlp.*");
  const uint64_t attention = weights - 80 * 48 * 3;
  QCOMPARE(bytesOf(kept), uint64_t{60 * 48 * 4 + 48 * 4 +
                                   3 * (2 * 48 * 4 + attention / 2 + attention / 16 * 2 + 80 * 48 * 3 * 4)});
}

void EngineTest::workIsThatOfWhatIsRounded() {
  const auto costOf = [this](const quantization::Recipe& recipe, size_t block) {
    const auto plan = quantization::makePlan(m_model, recipe, methods());
    return quantization::blockCost(quantization::stageShapes(*m_model), *plan, block, 200);
  };
  quantization::Recipe nearest;
  nearest.policy.overrides = {{"layers.1.*", {{"scaleSearch", "mse"}}}, {"layers.2.*", {{"use", "learned"}}}};
  const double plain = costOf(nearest, 0);
  QVERIFY(costOf(nearest, 1) > 5 * plain);
  QVERIFY(costOf(nearest, 2) > 5 * plain);
  // Layers that keep their format have no report; a stage without quantized linears needs no Hessian.
  const quantization::Recipe all = test::gptqRecipe();
  auto some = all;
  some.policy.keep.push_back("layers.0.mlp.gate_proj");
  auto fewer = some;
  fewer.policy.keep.push_back("layers.0.mlp.up_proj");
  const double up = costOf(all, 0) - costOf(some, 0);
  QVERIFY(up > 0);
  const double both = costOf(all, 0) - costOf(fewer, 0);
  const double hessian = quantization::hessianCost(200, 48) + quantization::prepareCost(48);
  QVERIFY2(std::abs(both - 2 * up - hessian) < 1e-6 * both, qPrintable(QString::number(both)));
  QCOMPARE(costOf(fewer, 1), costOf(all, 1));
}

void EngineTest::refusals_data() {
  QTest::addColumn<QString>("change");
  QTest::addColumn<QString>("expected");
  QTest::newRow("method") << R"({"rounding":{"use":"magic"}})"
                          << "'rounding': expected rtn, gptq, found \"magic\"";
  QTest::newRow("method's parameter") << R"({"rounding":{"use":"gptq","dampFraction":7}})"
                                      << "gptq: 'dampFraction'";
  QTest::newRow("grid") << R"({"grid":{"use":"nf5"}})"
                        << "grid: expected one of affine, nf4";
  QTest::newRow("grid's parameter") << R"({"grid":{"use":"affine","bits":1}})"
                                    << "affine: 'bits'";
  QTest::newRow("transform") << R"({"transforms":[{"use":"awq"}]})"
                             << "'transforms': expected a method, but no plugin provides one, found \"awq\"";
  QTest::newRow("activations") << R"({"activations":{"use":"int3"}})"
                               << "'activations'";
  QTest::newRow("kv cache") << R"({"kvCache":"int3"})"
                            << "'kvCache'";
  QTest::newRow("kv cache's window") << R"({"kvCache":{"use":"int4","groupSize":128,"residual":64}})"
                                     << "'kvCache': 'residual': expected a multiple";
  QTest::newRow("kv cache's groups") << R"({"kvCache":{"use":"int8","groupSize":33}})"
                                     << "'kvCache': int8: 'groupSize'";
  QTest::newRow("kv cache's field") << R"({"kvCache":{"use":"f16","groupSize":32}})"
                                    << "'kvCache': f16: ";
  QTest::newRow("keep matches nothing") << R"({"policy":{"keep":["lm_head","embed_tokens","layers.7.*"]}})"
                                        << "\"layers.7.*\" matches none";
  QTest::newRow("head not kept") << R"({"policy":{"keep":["embed_tokens"]}})"
                                 << "keeps \"lm_head\"";
  QTest::newRow("all kept") << R"({"policy":{"keep":["*"]}})"
                            << "nothing is left";
  QTest::newRow("override matches nothing")
      << R"({"policy":{"overrides":[{"match":"*.qkv","grid":{"bits":8}}]}})"
      << "\"*.qkv\" matches none";
  QTest::newRow("override's grid")
      << R"({"policy":{"overrides":[{"match":"*.q_proj","grid":{"use":"nf5"}}]}})"
      << "grid: expected one of";
  QTest::newRow("parameter of another grid")
      << R"({"grid":{"use":"nf4"},"policy":{"overrides":[{"match":"*.q_proj","grid":{"bits":8}}]}})"
      << "nf4: 'bits': unknown";
  QTest::newRow("override's parameter")
      << R"({"policy":{"overrides":[{"match":"*.q_proj","grid":{"bits":99}}]}})"
      << "affine: 'bits'";
}

void EngineTest::refusals() {
  QFETCH(QString, change);
  QFETCH(QString, expected);
  auto work = job("refused");
  QCOMPARE(refusal(work), std::string("accepted"));
  base::Json json = quantization::toJson(work.recipe);
  json.update(base::Json::parse(change.toStdString()));
  work.recipe = quantization::recipeFromJson(json, "r");
  const std::string message = refusal(work);
  QVERIFY2(QString::fromStdString(message).contains(expected), message.c_str());
  QVERIFY(!std::filesystem::exists(work.workDirectory));
}

void EngineTest::brokenWeightsAreNamed() {
  auto work = job("broken");
  auto model = std::make_shared<test::TestModel>();
  model->set("model.layers.1.mlp.up_proj", 17, std::numeric_limits<float>::quiet_NaN());
  work.model = model;
  try {
    run(work);
    QFAIL("expected an error");
  } catch (const base::Error& error) {
    QVERIFY(error.code() == base::ErrorCode::Numerical);
    QVERIFY2(std::string(error.what()).find("model.layers.1.mlp.up_proj") != std::string::npos, error.what());
  }
  work = job("broken2");
  work.calibration = nullptr;
  QVERIFY(refusal(work).find("expected a calibration set") != std::string::npos);
  auto tooLong = test::testCalibration(2, 65);
  work.calibration = &tooLong;
  QVERIFY(refusal(work).find("64 positions") != std::string::npos);
  auto outside = test::testCalibration(2, 20);
  outside.sequences[1][3] = 60;
  work.calibration = &outside;
  QVERIFY_THROWS_EXCEPTION(base::Error, run(work));
}

NIB_TEST(EngineTest)
#include "engine_test.moc"
