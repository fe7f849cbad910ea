// SPDX-License-Identifier: Apache-2.0
#include "quantization/sensitivity.hpp"
#include "test_model.hpp"

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "nib_test.hpp"
#include "quantization/policy.hpp"
#include "runtime/decoder.hpp"

#include <QTest>

#include <limits>

using namespace nibblesmith;
using quantization::Sensitivity;
using quantization::SensitivityMeasure;
using tensor::Matrix;

namespace {

quantization::Recipe recipeOf(int64_t groupSize = 16) {
  quantization::Recipe recipe;
  recipe.grid.parameters = {{"bits", 4}, {"groupSize", groupSize}, {"symmetric", false}};
  return recipe;
}

Sensitivity measured(std::shared_ptr<const model::Model> model, const quantization::Recipe& recipe,
                     SensitivityMeasure measure = SensitivityMeasure::Divergence, int threads = 2) {
  const test::TestMethods methods;
  base::ThreadPool pool(threads);
  base::NoProgress progress;
  quantization::SensitivityOptions options;
  options.measure = measure;
  return quantization::measureSensitivity(*quantization::makePlan(std::move(model), recipe, methods),
                                          test::testCalibration(2, 24), options, pool, {}, progress);
}

/// Mean divergence of the models' outputs on the calibration sequences, computed by the decoder.
double divergenceOf(std::shared_ptr<const model::Model> expected, std::shared_ptr<const model::Model> found) {
  base::ThreadPool pool(1);
  const runtime::Decoder a(expected, runtime::WeightStorage::Float32, pool);
  const runtime::Decoder b(found, runtime::WeightStorage::Float32, pool);
  double sum = 0;
  double tokens = 0;
  for (const auto& sequence : test::testCalibration(2, 24).sequences) {
    const auto logits = [&](const runtime::Decoder& decoder) {
      runtime::KvCache cache(expected->config(), 30);
      return tensor::MatrixD(decoder.forward(sequence, cache, runtime::LogitsFor::AllTokens).cast<double>());
    };
    const tensor::MatrixD p = logits(a);
    const tensor::MatrixD q = logits(b);
    for (int64_t t = 0; t < p.rows(); ++t) {
      const double logP = std::log(p.row(t).array().exp().sum());
      const double logQ = std::log(q.row(t).array().exp().sum());
      for (int64_t v = 0; v < p.cols(); ++v)
        sum += std::exp(p(t, v) - logP) * ((p(t, v) - logP) - (q(t, v) - logQ));
    }
    tokens += static_cast<double>(p.rows());
  }
  return sum / tokens;
}

/// Returns the model with one linear rounded to nearest.
std::shared_ptr<test::TestModel> withRounded(const std::string& name, int bits) {
  auto model = std::make_shared<test::TestModel>(3);
  const Matrix W = tensor::toMatrix(model->checkpoint().tensor(name));
  const auto grid =
      quantization::makeGrid("affine", {{"bits", bits}, {"groupSize", 16}, {"symmetric", false}});
  auto tensor = quantization::emptyTensor(*grid, W.rows(), W.cols());
  std::vector<float> values(static_cast<size_t>(W.cols()));
  for (int64_t r = 0; r < W.rows(); ++r) {
    quantization::roundRowToNearest(W.row(r).data(), *grid, {}, name, r, tensor, values.data());
    for (int64_t c = 0; c < W.cols(); ++c)
      model->set(name, r * W.cols() + c, values[static_cast<size_t>(c)]);
  }
  return model;
}

Sensitivity randomSensitivity(uint32_t seed, size_t layers) {
  std::mt19937 random(seed);
  Sensitivity result;
  for (size_t l = 0; l < layers; ++l) {
    quantization::LayerSensitivity layer{
        "layer" + std::to_string(l), 100 * (1 + static_cast<int64_t>(random() % 7)), {}};
    double cost = 1.0 + static_cast<double>(random() % 1000);
    for (const int bits : {2, 3, 4, 8}) {
      layer.widths.push_back({bits, cost, 0.1});
      cost *= static_cast<double>(random() % 1000) / 1000.0;
    }
    result.layers.push_back(layer);
  }
  return result;
}

} // namespace

class SensitivityTest : public QObject {
  Q_OBJECT
private slots:
  void divergenceIsTheDecoders();
  void fewerBitsHurtMore();
  void threadsDoNotChangeAnything();
  void keptLayersAreLeftOut();
  void cheapMeasureAgrees();
  void allocationIsTheBest();
  void tooSmallTargetIsRefused();
  void allocationBecomesOverrides();
  void jsonRoundTrip();
  void badJsonIsRefused();
  void badRequestsAreRefused();
  void cancels();
};

void SensitivityTest::divergenceIsTheDecoders() {
  const auto source = std::make_shared<test::TestModel>(3);
  const Sensitivity found = measured(source, recipeOf());
  QCOMPARE(found.layers.size(), size_t{21});
  QCOMPARE(found.tokens, int64_t{24 + 23});
  for (const size_t at : {size_t{0}, size_t{9}, size_t{20}})
    for (const auto& width : found.layers[at].widths) {
      const double expected = divergenceOf(source, withRounded(found.layers[at].name, width.bits));
      QVERIFY2(std::abs(width.divergence - expected) < 1e-3 * expected + 2e-6,
               qPrintable(QStringLiteral("%1 against %2").arg(width.divergence).arg(expected)));
    }
  // Negative control: the divergence of another layer differs.
  const double other = divergenceOf(source, withRounded(found.layers[20].name, 2));
  QVERIFY(std::abs(found.layers[0].widths[0].divergence - other) > 1e-2 * other);
}

void SensitivityTest::fewerBitsHurtMore() {
  const Sensitivity found = measured(std::make_shared<test::TestModel>(3), recipeOf());
  for (const auto& layer : found.layers) {
    QVERIFY(layer.widths[0].divergence > layer.widths[2].divergence);
    QVERIFY(layer.widths[2].divergence > layer.widths[3].divergence);
    QVERIFY(layer.widths[3].divergence >= 0.0);
    for (size_t w = 1; w < layer.widths.size(); ++w)
      QVERIFY(layer.widths[w].relativeOutputError < layer.widths[w - 1].relativeOutputError);
  }
}

void SensitivityTest::threadsDoNotChangeAnything() {
  const auto model = std::make_shared<test::TestModel>(3);
  const auto one = quantization::toJson(measured(model, recipeOf(), SensitivityMeasure::Divergence, 1));
  for (const int threads : {2, 5})
    QVERIFY(quantization::toJson(measured(model, recipeOf(), SensitivityMeasure::Divergence, threads)) ==
            one);
}

void SensitivityTest::keptLayersAreLeftOut() {
  auto recipe = recipeOf();
  recipe.policy.keep.push_back("layers.1.*");
  const Sensitivity found =
      measured(std::make_shared<test::TestModel>(3), recipe, SensitivityMeasure::OutputError);
  QCOMPARE(found.layers.size(), size_t{14});
  for (const auto& layer : found.layers)
    QVERIFY(!layer.name.starts_with("model.layers.1."));
}

void SensitivityTest::cheapMeasureAgrees() {
  const auto model = std::make_shared<test::TestModel>(3);
  const Sensitivity whole = measured(model, recipeOf());
  const Sensitivity cheap = measured(model, recipeOf(), SensitivityMeasure::OutputError);
  QVERIFY2(whole.rankCorrelation > 0.7, qPrintable(QString::number(whole.rankCorrelation)));
  for (size_t l = 0; l < whole.layers.size(); ++l)
    for (size_t w = 0; w < 4; ++w) {
      QCOMPARE(cheap.layers[l].widths[w].relativeOutputError, whole.layers[l].widths[w].relativeOutputError);
      QCOMPARE(cheap.layers[l].widths[w].divergence, 0.0);
    }
}

void SensitivityTest::allocationIsTheBest() {
  for (const uint32_t seed : {1u, 2u, 3u, 4u}) {
    const Sensitivity sensitivity = randomSensitivity(seed, 6);
    double weights = 0;
    for (const auto& layer : sensitivity.layers)
      weights += static_cast<double>(layer.weights);
    for (const double target : {2.0, 2.3, 3.0, 3.5, 4.1, 6.0, 8.0, 16.0}) {
      double best = std::numeric_limits<double>::infinity();
      for (int code = 0; code < 4096; ++code) {
        double cost = 0;
        double bits = 0;
        for (size_t l = 0; l < 6; ++l) {
          const auto& layer = sensitivity.layers[l];
          const auto& width = layer.widths[static_cast<size_t>(code >> (2 * l)) % 4];
          cost += width.divergence;
          bits += static_cast<double>(layer.weights * width.bits);
        }
        if (bits <= target * weights + 1e-6)
          best = std::min(best, cost);
      }
      const auto allocation = quantization::allocateBits(sensitivity, target);
      QVERIFY(allocation.exact);
      QVERIFY2(std::abs(allocation.cost - best) < 1e-9 * best + 1e-9,
               qPrintable(QStringLiteral("%1 against %2").arg(allocation.cost).arg(best)));
      QVERIFY(allocation.averageBits <= target + 1e-9);
      double cost = 0;
      double bits = 0;
      for (size_t l = 0; l < 6; ++l)
        for (const auto& width : sensitivity.layers[l].widths)
          if (width.bits == allocation.bits[l]) {
            cost += width.divergence;
            bits += static_cast<double>(sensitivity.layers[l].weights * width.bits);
          }
      QVERIFY(std::abs(cost - allocation.cost) < 1e-9 * cost + 1e-9);
      QVERIFY(std::abs(bits / weights - allocation.averageBits) < 1e-9);
    }
  }
}

void SensitivityTest::tooSmallTargetIsRefused() {
  const Sensitivity sensitivity = randomSensitivity(1, 3);
  for (const double target : {1.9, 0.0, -1.0, std::numeric_limits<double>::quiet_NaN()})
    QVERIFY_THROWS_EXCEPTION(base::Error, quantization::allocateBits(sensitivity, target));
  QVERIFY_THROWS_EXCEPTION(base::Error, quantization::allocateBits(Sensitivity(), 4.0));
}

void SensitivityTest::allocationBecomesOverrides() {
  const auto recipe = recipeOf();
  const Sensitivity sensitivity =
      measured(std::make_shared<test::TestModel>(3), recipe, SensitivityMeasure::OutputError);
  const auto allocation = quantization::allocateBits(sensitivity, 3.5);
  QVERIFY(allocation.averageBits > 3.0 && allocation.averageBits <= 3.5);
  const auto chosen = quantization::withAllocation(recipe, sensitivity, allocation);
  for (size_t l = 0; l < sensitivity.layers.size(); ++l)
    QCOMPARE(quantization::gridFor(chosen, sensitivity.layers[l].name)->parameters.at("bits").get<int>(),
             allocation.bits[l]);
  const auto changed =
      std::count_if(allocation.bits.begin(), allocation.bits.end(), [](int bits) { return bits != 4; });
  QCOMPARE(std::ssize(chosen.policy.overrides), changed);
  // A second allocation replaces only the first.
  auto other = chosen;
  const quantization::Override inputs = {sensitivity.layers[1].name, {{"bits", 8}}, {{"use", "int8"}}};
  other.policy.overrides.insert(other.policy.overrides.begin(), inputs);
  other = quantization::withAllocation(other, sensitivity, allocation);
  QVERIFY(other.policy.overrides.front() == inputs);
  for (size_t l = 0; l < sensitivity.layers.size(); ++l)
    QCOMPARE(quantization::gridFor(other, sensitivity.layers[l].name)->parameters.at("bits").get<int>(),
             allocation.bits[l]);
  auto kept = recipe;
  kept.policy.keep.push_back("layers.1.*");
  QVERIFY_THROWS_EXCEPTION(base::Error, quantization::withAllocation(kept, sensitivity, allocation));
}

void SensitivityTest::jsonRoundTrip() {
  Sensitivity sensitivity = randomSensitivity(5, 4);
  sensitivity.tokens = 77;
  sensitivity.rankCorrelation = 0.5;
  for (const auto measure : {SensitivityMeasure::Divergence, SensitivityMeasure::OutputError}) {
    sensitivity.measure = measure;
    const auto json = quantization::toJson(sensitivity);
    QVERIFY(quantization::toJson(
                quantization::sensitivityFromJson(base::Json::parse(json.dump()), "f.json")) == json);
  }
}

void SensitivityTest::badJsonIsRefused() {
  const base::Json good = quantization::toJson(randomSensitivity(5, 2));
  const auto refused = [](base::Json json, const char* field) {
    try {
      quantization::sensitivityFromJson(json, "f.json");
    } catch (const base::Error& error) {
      return std::string(error.what()).starts_with("f.json") &&
             std::string(error.what()).find(field) != std::string::npos;
    }
    return false;
  };
  QVERIFY(!refused(good, ""));
  const auto changed = [&](const char* pointer, const base::Json& value) {
    base::Json json = good;
    json[base::Json::json_pointer(pointer)] = value;
    return json;
  };
  QVERIFY(refused(base::Json::array(), "object"));
  QVERIFY(refused(changed("/schema", 2), "schema"));
  QVERIFY(refused(changed("/measure", "guess"), "measure"));
  QVERIFY(refused(changed("/layers", 3), "layers"));
  QVERIFY(refused(changed("/layers", base::Json::array()), "layers"));
  QVERIFY(refused(changed("/layers/0", 3), "layers"));
  QVERIFY(refused(changed("/layers/1/weights", -4), "weights"));
  QVERIFY(refused(changed("/layers/1/weights", int64_t{1} << 60), "weights"));
  QVERIFY(refused(changed("/layers/1/widths", base::Json::array()), "widths"));
  QVERIFY(refused(changed("/layers/1/widths/2/bits", 3), "widths"));
  QVERIFY(refused(changed("/layers/1/widths/0/bits", 1000000), "widths"));
  QVERIFY(refused(changed("/layers/1/widths/0/divergence", "much"), "divergence"));
}

void SensitivityTest::badRequestsAreRefused() {
  const test::TestMethods methods;
  base::ThreadPool pool(1);
  base::NoProgress progress;
  const auto model = std::make_shared<test::TestModel>(3);
  const auto run = [&](const std::vector<int>& bits, const calibration::CalibrationSet& set) {
    quantization::measureSensitivity(*quantization::makePlan(model, recipeOf(), methods), set,
                                     {bits, SensitivityMeasure::OutputError}, pool, {}, progress);
  };
  const auto set = test::testCalibration(1, 8);
  run({2, 4}, set);
  for (const auto& bits : {std::vector<int>{}, {4, 2}, {4, 4}, {1, 4}, {4, 9}})
    QVERIFY_THROWS_EXCEPTION(base::Error, run(bits, set));
  QVERIFY_THROWS_EXCEPTION(base::Error, run({4}, calibration::CalibrationSet()));
  // Every layer's grid must support these widths, which is checked before the measurement.
  auto mixed = recipeOf();
  mixed.policy.overrides = {{"layers.2.mlp.up_proj", {{"use", "nf4"}}}};
  try {
    measured(model, mixed);
    QFAIL("expected an error");
  } catch (const base::Error& error) {
    QVERIFY2(std::string(error.what()).find("'model.layers.2.mlp.up_proj'") != std::string::npos,
             error.what());
  }
  auto foreign = set;
  foreign.sequences[0][3] = 60;
  QVERIFY_THROWS_EXCEPTION(base::Error, run({4}, foreign));
  const auto broken = std::make_shared<test::TestModel>(3);
  broken->set("model.layers.1.mlp.up_proj", 5, std::numeric_limits<float>::quiet_NaN());
  QVERIFY_THROWS_EXCEPTION(base::Error, measured(broken, recipeOf()));
}

void SensitivityTest::cancels() {
  const test::TestMethods methods;
  base::ThreadPool pool(2);
  base::NoProgress progress;
  std::stop_source source;
  source.request_stop();
  const auto plan = quantization::makePlan(std::make_shared<test::TestModel>(3), recipeOf(), methods);
  QVERIFY_THROWS_EXCEPTION(base::Cancelled,
                           quantization::measureSensitivity(*plan, test::testCalibration(2, 24), {}, pool,
                                                            source.get_token(), progress));
}

NIB_TEST(SensitivityTest)
#include "sensitivity_test.moc"
