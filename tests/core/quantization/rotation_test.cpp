// SPDX-License-Identifier: Apache-2.0
#include "exact_cache.hpp"
#include "test_job.hpp"
#include "test_model.hpp"

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "model/rotated_model.hpp"
#include "nib_test.hpp"
#include "quantizers/rotation/method.hpp"
#include "runtime/decoder.hpp"

#include <QTemporaryDir>
#include <QTest>

using namespace nibblesmith;
using tensor::Matrix;

namespace {

/// Model with one weight of another model replaced.
class Replaced : public model::Model {
public:
  Replaced(std::shared_ptr<const model::Model> model, int64_t block, model::LinearRole role, Matrix weight)
      : m_model(std::move(model)), m_block(block), m_role(role),
        m_weight(tensor::ownedView(std::move(weight))) {}

  const model::Family& family() const override { return m_model->family(); }
  const model::ModelConfig& config() const override { return m_model->config(); }
  const checkpoint::Checkpoint& checkpoint() const override { return m_model->checkpoint(); }
  tensor::TensorView embedding() const override { return m_model->embedding(); }
  model::NormWeights finalNorm() const override { return m_model->finalNorm(); }
  model::LinearWeights outputHead() const override { return m_model->outputHead(); }
  model::BlockWeights block(int64_t index) const override {
    model::BlockWeights weights = m_model->block(index);
    if (index == m_block)
      weights.linear(m_role).weight = m_weight;
    return weights;
  }

private:
  std::shared_ptr<const model::Model> m_model;
  int64_t m_block;
  model::LinearRole m_role;
  tensor::TensorView m_weight;
};

/// Model with the quantized blocks in place of the source's.
class Finished : public model::Model {
public:
  explicit Finished(const quantization::QuantizedModel& quantized) : m_quantized(quantized) {}
  const model::Family& family() const override { return m_quantized.source->family(); }
  const model::ModelConfig& config() const override { return m_quantized.source->config(); }
  const checkpoint::Checkpoint& checkpoint() const override { return m_quantized.source->checkpoint(); }
  tensor::TensorView embedding() const override { return m_quantized.source->embedding(); }
  model::NormWeights finalNorm() const override { return m_quantized.source->finalNorm(); }
  model::LinearWeights outputHead() const override { return m_quantized.source->outputHead(); }
  model::BlockWeights block(int64_t index) const override {
    model::BlockWeights weights = m_quantized.source->block(index);
    auto block = m_quantized.block(index);
    block.replaceFolded(weights);
    for (auto& linear : weights.linears)
      linear.weight = std::move(block.linears.at(linear.name));
    return weights;
  }

private:
  const quantization::QuantizedModel& m_quantized;
};

class RotationMethods final : public quantization::MethodCatalog {
public:
  std::vector<quantization::MethodDescription> methods() const override {
    auto methods = m_roundings.methods();
    methods.push_back(description());
    return methods;
  }
  std::unique_ptr<quantization::Rounding> makeRounding(const std::string& use,
                                                       const base::Json& parameters) const override {
    return m_roundings.makeRounding(use, parameters);
  }
  std::unique_ptr<quantization::Transform> makeTransform(const std::string&,
                                                         const base::Json& parameters) const override {
    return std::make_unique<rotation::RotationTransform>(
        rotation::rotationOptions(quantization::completeParameters(description(), parameters)));
  }

private:
  static quantization::MethodDescription description() {
    return quantization::methodFromJson(
        base::readJsonFile(test::projectFile("plugins/quantizers/rotation/method.json")), "rotation");
  }
  test::TestMethods m_roundings;
};

Matrix logitsOf(std::shared_ptr<const model::Model> model) {
  base::ThreadPool pool(2);
  const runtime::Decoder decoder(model, runtime::WeightStorage::Float32, pool);
  runtime::KvCache cache(test::exactly(model->config()), 40);
  std::vector<tokenizer::TokenId> tokens;
  for (int i = 0; i < 30; ++i)
    tokens.push_back(i * 7 % 60);
  return decoder.forward(tokens, cache, runtime::LogitsFor::AllTokens);
}

float largest(const Matrix& m) { return m.cwiseAbs().maxCoeff(); }

/// Returns a model with input channels whose weights are 30 times as large as the others', and norms that
/// compensate.
std::shared_ptr<test::TestModel> modelWithOutliers() {
  auto model = std::make_shared<test::TestModel>(5, 2);
  for (int64_t b = 0; b < 2; ++b) {
    const std::string prefix = "model.layers." + std::to_string(b) + ".";
    const auto outlier = [&](const std::string& norm, const std::vector<std::string>& linears) {
      for (const int64_t channel : {5, 31}) {
        model->set(prefix + norm, channel,
                   tensor::toMatrix(model->checkpoint().tensor(prefix + norm)).data()[channel] / 30.0f);
        for (const std::string& linear : linears) {
          const Matrix W = tensor::toMatrix(model->checkpoint().tensor(prefix + linear));
          for (int64_t r = 0; r < W.rows(); ++r)
            model->set(prefix + linear, r * W.cols() + channel, W(r, channel) * 30.0f);
        }
      }
    };
    outlier("n1", {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"});
    outlier("n2", {"mlp.gate_proj", "mlp.up_proj"});
  }
  return model;
}

} // namespace

class RotationTransformTest : public QObject {
  Q_OBJECT
private slots:
  void computesTheSame_data();
  void computesTheSame();
  void oneWrongMatrixIsDetected();
  void tiedHeadBecomesItsOwn();
  void otherFamiliesAreRefused();
  void outliersHurtLess();
  void seedIsPartOfTheRecipe();
};

void RotationTransformTest::computesTheSame_data() {
  QTest::addColumn<bool>("hidden");
  QTest::addColumn<bool>("heads");
  QTest::newRow("both") << true << true;
  QTest::newRow("residual stream") << true << false;
  QTest::newRow("heads") << false << true;
}

void RotationTransformTest::computesTheSame() {
  QFETCH(bool, hidden);
  QFETCH(bool, heads);
  const auto source = std::make_shared<test::TestModel>(3);
  const Matrix expected = logitsOf(source);
  const auto rotated = model::rotated(source, {hidden, heads, 11, tensor::DType::F32});
  const float error = largest(logitsOf(rotated.model) - expected);
  QVERIFY2(error < 1e-4f * largest(expected), qPrintable(QString::number(error)));
  const auto asF16 = model::rotated(source, {hidden, heads, 11, tensor::DType::F16});
  QVERIFY(largest(logitsOf(asF16.model) - expected) < 2e-2f * largest(expected));
  const auto weightOf = [](const model::Model& model, model::LinearRole role) {
    return model::toMatrix(model.block(1).linear(role).weight);
  };
  QVERIFY(weightOf(*rotated.model, model::LinearRole::Value) != weightOf(*source, model::LinearRole::Value));
  QVERIFY(weightOf(*rotated.model, model::LinearRole::Output) !=
          weightOf(*source, model::LinearRole::Output));
  QCOMPARE(weightOf(*rotated.model, model::LinearRole::Gate) != weightOf(*source, model::LinearRole::Gate),
           hidden);
}

void RotationTransformTest::oneWrongMatrixIsDetected() {
  const auto source = std::make_shared<test::TestModel>(3);
  const Matrix expected = logitsOf(source);
  const auto rotated = model::rotated(source, {true, true, 11, tensor::DType::F32}).model;
  for (const model::LinearWeights& linear : source->block(1).linears) {
    const model::LinearRole at = linear.role;
    const auto broken = std::make_shared<Replaced>(rotated, 1, at, model::toMatrix(linear.weight));
    QVERIFY2(largest(logitsOf(broken) - expected) > 1e-3f * largest(expected), linear.name.c_str());
  }
}

void RotationTransformTest::tiedHeadBecomesItsOwn() {
  const auto source = std::make_shared<test::TestModel>(3);
  QVERIFY(source->config().tiedEmbeddings);
  const auto rotated = model::rotated(source, {});
  QVERIFY(!rotated.model->config().tiedEmbeddings);
  QVERIFY(rotated.model->embedding().dtype == tensor::DType::F16);
  QVERIFY((tensor::toVector(rotated.model->finalNorm().weight).array() == 1.0f).all());
  QCOMPARE(rotated.notes.size(), size_t{1});
  QVERIFY(rotated.notes.front().find("head") != std::string::npos);
  QVERIFY(model::rotated(source, {false, true, 1, tensor::DType::F16}).model->config().tiedEmbeddings);
}

void RotationTransformTest::otherFamiliesAreRefused() {
  class Other final : public Replaced {
  public:
    explicit Other(std::shared_ptr<const model::Model> model)
        : Replaced(model, -1, model::LinearRole::Query, Matrix()), m_config(model->config()) {
      m_config.family = "gemma";
      m_config.norm.offset = 1.0f;
    }
    const model::ModelConfig& config() const override { return m_config; }

  private:
    model::ModelConfig m_config;
  };
  try {
    model::rotated(std::make_shared<Other>(std::make_shared<test::TestModel>(3)), {});
    QFAIL("not refused");
  } catch (const base::Error& error) {
    QVERIFY(error.code() == base::ErrorCode::NotSupported);
    QVERIFY(std::string(error.what()).find("gemma") != std::string::npos);
  }
}

void RotationTransformTest::outliersHurtLess() {
  const RotationMethods methods;
  base::ThreadPool pool(2);
  base::NoProgress progress;
  const auto source = modelWithOutliers();
  const Matrix expected = logitsOf(source);
  std::vector<double> errors;
  for (const bool rotate : {false, true}) {
    const QTemporaryDir folder;
    test::Job job;
    job.model = source;
    job.methods = &methods;
    job.workDirectory = folder.path().toStdString();
    job.recipe.grid.parameters = {{"bits", 4}, {"granularity", "channel"}};
    if (rotate)
      job.recipe.transforms = {{"rotation", base::Json::object()}};
    // A rotation needs no calibration.
    const auto quantized = quantization::quantizeModel(job, pool, {}, progress);
    QCOMPARE(quantized.notes.empty(), !rotate);
    QCOMPARE(quantized.layers.size(), size_t{14});
    errors.push_back(
        static_cast<double>((logitsOf(std::make_shared<Finished>(quantized)) - expected).norm()));
  }
  QVERIFY2(errors[1] < 0.6 * errors[0],
           qPrintable(QStringLiteral("%1 against %2").arg(errors[1]).arg(errors[0])));
  QVERIFY(errors[1] > 0.01 * errors[0]);
}

void RotationTransformTest::seedIsPartOfTheRecipe() {
  const RotationMethods methods;
  base::ThreadPool pool(1);
  base::NoProgress progress;
  std::vector<std::string> fingerprints;
  std::vector<std::string> bytes;
  for (const int seed : {1, 1, 2}) {
    const QTemporaryDir folder;
    test::Job job;
    job.model = std::make_shared<test::TestModel>(3);
    job.methods = &methods;
    job.workDirectory = folder.path().toStdString();
    job.recipe.grid.parameters = {{"bits", 4}, {"groupSize", 16}};
    job.recipe.transforms = {{"rotation", {{"rotationSeed", seed}}}};
    fingerprints.push_back(quantization::quantizeModel(job, pool, {}, progress).fingerprint);
    bytes.push_back(test::blockBytes(job.workDirectory));
  }
  QCOMPARE(fingerprints[0], fingerprints[1]);
  QVERIFY(bytes[0] == bytes[1]);
  QVERIFY(fingerprints[0] != fingerprints[2]);
  QVERIFY(bytes[0] != bytes[2]);
}

NIB_TEST(RotationTransformTest)
#include "rotation_test.moc"
