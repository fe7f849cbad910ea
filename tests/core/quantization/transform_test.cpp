// SPDX-License-Identifier: Apache-2.0
#include "job_test.hpp"

#include "nib_test.hpp"
#include "quantization/activations.hpp"
#include "quantization/scaling.hpp"
#include "quantizers/awq/method.hpp"
#include "runtime/block_graph.hpp"
#include "tensor/half.hpp"

#include <QTest>

#include <limits>

using namespace nibblesmith;
using quantization::QuantizedBlock;
using tensor::Matrix;
using tensor::Vector;
using test::Job;

namespace {

class TransformMethods final : public quantization::MethodCatalog {
public:
  std::vector<quantization::MethodDescription> methods() const override {
    auto methods = m_roundings.methods();
    methods.push_back(describe("awq"));
    methods.push_back(describe("awq"));
    methods.back().name = "arbitrary";
    methods.back().parameters.clear();
    return methods;
  }
  std::unique_ptr<quantization::Rounding> makeRounding(const std::string& use,
                                                       const base::Json& parameters) const override {
    return m_roundings.makeRounding(use, parameters);
  }
  std::unique_ptr<quantization::Transform> makeTransform(const std::string& use,
                                                         const base::Json& parameters) const override {
    if (use == "arbitrary")
      return std::make_unique<test::ArbitraryScales>();
    return std::make_unique<awq::AwqTransform>(
        awq::awqOptions(quantization::completeParameters(describe("awq"), parameters)));
  }

private:
  static quantization::MethodDescription describe(const char* name) {
    return quantization::methodFromJson(
        base::readJsonFile(test::projectFile("plugins/quantizers") / name / "method.json"), name);
  }
  test::TestMethods m_roundings;
};

double relativeDifference(const Matrix& a, const Matrix& b) {
  return static_cast<double>((a - b).norm()) / static_cast<double>(b.norm());
}

} // namespace

class TransformTest : public test::JobTest {
  Q_OBJECT
private slots:
  void scalingKeepsTheProduct();
  void keptLinearsAreNotScaled();
  void foldingIntoANormIsExact();
  void foldingIntoRows();
  void foldingIntoCodeBooks();
  void awqOnCodeBooks();
  void awqBeatsNearest();
  void sameBytesAtAnyThreadsAndAfterResuming();
  void badInputsAreNamed();
  void refusals();

private:
  Job job(const std::string& directory, const char* transform, const char* rounding, int bits) {
    Job result = JobTest::job(directory);
    result.recipe.transforms = {{transform, base::Json::object()}};
    result.recipe.rounding.use = rounding;
    result.recipe.grid.parameters["bits"] = bits;
    return result;
  }
  const quantization::MethodCatalog& methods() const override { return m_methods; }

  TransformMethods m_methods;
};

void TransformTest::scalingKeepsTheProduct() {
  const auto result = run(job("arbitrary", "arbitrary", "rtn", 8));
  for (int64_t index = 0; index < 3; ++index) {
    const QuantizedBlock block = result.block(index);
    // Scales that vary this much within a group of 16 cost about twice the error of plain 8 bits, 1 %.
    const double found = blockError(index, block);
    QVERIFY2(found < 0.03, qPrintable(QString::number(found)));
    // Negative control: without the folded norms, the block computes something else.
    QuantizedBlock without = block;
    without.norms.erase(model::NormRole::Attention);
    QVERIFY(blockError(index, without) > 0.05);
    without = block;
    without.norms.erase(model::NormRole::Mlp);
    QVERIFY(blockError(index, without) > 0.05);
    // Value and o, and up and down, were scaled against each other, too.
    const std::string prefix = "model.layers." + std::to_string(index) + ".";
    const auto stored = m_model->block(index);
    for (const auto& [name, role] : {std::pair("self_attn.o_proj", model::LinearRole::Output),
                                     std::pair("mlp.down_proj", model::LinearRole::Down)}) {
      const Matrix W = model::toMatrix(stored.linear(role).weight);
      QVERIFY(relativeDifference(block.linears.at(prefix + name).dequantize(), W) > 0.3);
    }
  }
}

void TransformTest::keptLinearsAreNotScaled() {
  auto work = job("kept", "arbitrary", "rtn", 8);
  work.recipe.policy.keep.push_back("*.k_proj");
  work.recipe.policy.keep.push_back("*.up_proj");
  const auto result = run(work);
  const QuantizedBlock block = result.block(1);
  QVERIFY(block.norms.empty());
  for (const auto& layer : result.layers)
    QCOMPARE(layer.fallbacks.empty(), layer.name.ends_with("o_proj"));
  QVERIFY(blockError(1, block) < 0.01);
}

void TransformTest::foldingIntoANormIsExact() {
  model::BlockWeights weights = m_model->block(0);
  const runtime::BlockGraph graph(m_model->config(), weights);
  model::NormWeights& stored = *weights.norm(model::NormRole::Attention);
  Vector norm = tensor::toVector(stored.weight);
  norm[3] = 0.0f;
  norm[4] = 1e-4f;
  stored.weight = tensor::ownedView(Matrix(norm.transpose()));
  Vector s = Vector::LinSpaced(norm.size(), 0.1f, 9.0f);
  s[4] = 1000.0f; // 1e-7 would be subnormal in f16
  quantization::BlockFile file;
  const Vector taken = quantization::foldableScales(s, 0, graph.inputSource(0), weights, file, 0);
  file.scales.push_back({0, taken});
  const QuantizedBlock block = quantization::foldScales(file, graph, weights, 0);
  QCOMPARE(block.norms.size(), size_t{1});
  const Vector& folded = block.norms.at(model::NormRole::Attention).weight;
  for (int64_t i = 0; i < norm.size(); ++i) {
    QCOMPARE(tensor::roundToF16(folded[i]), folded[i]);
    const float tolerance = i == 4 ? 1e-3f : 2e-7f; // unscaled channels are rounded to f16
    QVERIFY(std::abs(folded[i] * taken[i] - norm[i]) <= tolerance * std::abs(norm[i]));
    if (i != 3 && i != 4)
      QVERIFY(std::abs(taken[i] / s[i] - 1.0f) < 1e-3f);
  }
  QCOMPARE(taken[3], 1.0f);
  QCOMPARE(taken[4], 1.0f);
  // A second transform continues from there: both together are exact again.
  const Vector second = quantization::foldableScales(s.reverse(), 0, graph.inputSource(0), weights, file, 0);
  file.scales.push_back({0, second});
  const QuantizedBlock both = quantization::foldScales(file, graph, weights, 0);
  for (const int64_t i : {int64_t{0}, int64_t{20}, norm.size() - 1})
    QVERIFY(std::abs(both.norms.at(model::NormRole::Attention).weight[i] * taken[i] * second[i] - norm[i]) <=
            4e-7f * std::abs(norm[i]));
}

void TransformTest::foldingIntoRows() {
  const model::BlockWeights weights = m_model->block(0);
  const runtime::BlockGraph graph(m_model->config(), weights);
  // O: 4 query heads share 2 value heads of 12 channels.
  const runtime::InputSource source = graph.inputSource(1);
  QCOMPARE(source.channels.size(), size_t{48});
  QCOMPARE(source.channels[12 + 5], int64_t{5});
  QCOMPARE(source.channels[36 + 5], int64_t{12 + 5});
  const std::string name = weights.linear(model::LinearRole::Value).name;
  base::ThreadPool pool(1);
  const auto grid = quantization::makeGrid("affine", {{"bits", 8}, {"groupSize", 16}});
  const Matrix W = model::toMatrix(weights.linear(model::LinearRole::Value).weight);
  quantization::BlockFile file;
  QVERIFY(!quantization::foldingObstacle(source, weights, file).empty());
  file.linears.emplace(name, rtn::RtnRounding().round({name, W, nullptr, *grid}, pool, {}).tensor);
  QVERIFY(quantization::foldingObstacle(source, weights, file).empty());
  const Matrix before = file.linears.at(name).dequantize();
  Vector s(48);
  for (int64_t i = 0; i < 48; ++i)
    s[i] = 0.5f + 0.1f * static_cast<float>(source.channels[static_cast<size_t>(i)]);
  const Vector taken = quantization::foldableScales(s, 1, source, weights, file, 0);
  QVERIFY(taken == s);
  file.scales.push_back({1, taken});
  const Matrix after = quantization::foldScales(file, graph, weights, 0).linears.at(name).dequantize();
  for (int64_t row = 0; row < 24; ++row)
    QVERIFY((after.row(row) * (0.5f + 0.1f * static_cast<float>(row)) - before.row(row)).norm() <=
            1e-3f * before.row(row).norm());
}

void TransformTest::foldingIntoCodeBooks() {
  const model::BlockWeights weights = m_model->block(0);
  const runtime::BlockGraph graph(m_model->config(), weights);
  const runtime::InputSource source = graph.inputSource(1);
  const std::string name = weights.linear(model::LinearRole::Value).name;
  base::ThreadPool pool(1);
  const Matrix W = model::toMatrix(weights.linear(model::LinearRole::Value).weight);
  Vector s(48);
  for (int64_t i = 0; i < 48; ++i)
    s[i] = 0.5f + 0.1f * static_cast<float>(source.channels[static_cast<size_t>(i)]);
  for (const auto& [use, parameters] :
       {std::pair<std::string, base::Json>("nf4", {{"groupSize", 32}}),
        {"learned", {{"bits", 4}, {"granularity", "group"}, {"groupSize", 16}}}}) {
    const auto grid = quantization::makeGrid(use, parameters);
    quantization::BlockFile file;
    file.linears.emplace(name, rtn::RtnRounding().round({name, W, nullptr, *grid}, pool, {}).tensor);
    QVERIFY(quantization::foldingObstacle(source, weights, file).empty());
    const Matrix before = file.linears.at(name).dequantize();
    QVERIFY(quantization::foldableScales(s, 1, source, weights, file, 0) == s);
    // A scale that would leave the f16 range is not applied.
    const Vector huge = Vector::Constant(48, 1e-8f);
    QVERIFY(quantization::foldableScales(huge, 1, source, weights, file, 0) == Vector::Ones(48));
    file.scales.push_back({1, s});
    const auto folded = quantization::foldScales(file, graph, weights, 0).linears.at(name);
    folded.validate(name);
    const Matrix after = folded.dequantize();
    for (int64_t row = 0; row < 24; ++row)
      QVERIFY((after.row(row) * (0.5f + 0.1f * static_cast<float>(row)) - before.row(row)).norm() <=
              1e-3f * before.row(row).norm());
  }
  // Nested scales share their quantization.
  const auto grid = quantization::makeGrid("nf4", {{"groupSize", 32}, {"doubleQuant", true}});
  quantization::BlockFile file;
  auto tensor = rtn::RtnRounding().round({name, W, nullptr, *grid}, pool, {}).tensor;
  quantization::finishTensor(*grid, tensor);
  file.linears.emplace(name, tensor);
  QVERIFY(!quantization::foldingObstacle(source, weights, file).empty());
}

void TransformTest::awqOnCodeBooks() {
  for (const auto& [use, parameters] :
       {std::pair<std::string, base::Json>("nf4", {{"groupSize", 32}, {"doubleQuant", true}}),
        {"fp4", {{"groupSize", 32}}},
        {"log", {{"groupSize", 16}}},
        {"learned", {{"bits", 2}, {"granularity", "group"}, {"groupSize", 16}}}})
    for (const char* rounding : {"rtn", "gptq"}) {
      auto work = job(use + rounding, "awq", rounding, 4);
      work.recipe.grid = {use, parameters};
      const auto result = run(work);
      QCOMPARE(result.layers.size(), size_t{21});
      const double error = blockError(0, result.block(0));
      auto plain = job(use + rounding + "plain", "awq", rounding, 4);
      plain.recipe.grid = work.recipe.grid;
      plain.recipe.transforms.clear();
      const double before = blockError(0, run(plain).block(0));
      QVERIFY2(
          error < 1.1 * before,
          qPrintable(
              QStringLiteral("%1 %2: %3, without %4").arg(use.c_str(), rounding).arg(error).arg(before)));
    }
}

void TransformTest::awqBeatsNearest() {
  // Residual stream with a few outlier channels, as in real models.
  for (const int64_t channel : {3, 17, 30})
    for (int64_t row = 0; row < 60; ++row)
      m_model->set("embed", row * 48 + channel, 12.0f * tensor::toMatrix(m_model->embedding())(row, channel));
  auto plain = job("nearest", "awq", "rtn", 3);
  plain.recipe.transforms.clear();
  const double nearest = blockError(0, run(plain).block(0));
  const double awq = blockError(0, run(job("awq", "awq", "rtn", 3)).block(0));
  QVERIFY2(awq < 0.9 * nearest, qPrintable(QStringLiteral("%1, nearest %2").arg(awq).arg(nearest)));
  m_model = std::make_shared<test::TestModel>();
}

void TransformTest::sameBytesAtAnyThreadsAndAfterResuming() {
  const std::string difference =
      differenceOfRuns([this](const std::string& name) { return job(name, "awq", "gptq", 4); });
  QVERIFY2(difference.empty(), difference.c_str());
}

void TransformTest::badInputsAreNamed() {
  const auto whole = m_model;
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    m_model = std::make_shared<test::TestModel>();
    for (int64_t row = 0; row < 60; row += 2)
      m_model->set("embed", row * 48 + 5, bad);
    for (const char* rounding : {"rtn", "gptq"}) {
      try {
        run(job("broken", "awq", rounding, 4));
        QFAIL("expected an error");
      } catch (const base::Error& error) {
        QVERIFY(error.code() == base::ErrorCode::Numerical);
        QVERIFY2(std::string(error.what()).find("input of model.layers.0.self_attn.q_proj") !=
                     std::string::npos,
                 error.what());
      }
    }
  }
  m_model = whole;
}

void TransformTest::refusals() {
  const auto refused = [](const Job& work) { return QByteArray::fromStdString(refusal(work)); };
  QVERIFY(refused(job("r", "magic", "gptq", 4))
              .contains("'transforms': expected awq, arbitrary, found \"magic\""));
  auto work = job("r", "awq", "rtn", 4);
  work.recipe.transforms[0].parameters["gridPoints"] = 0;
  QVERIFY(refused(work).contains("awq: 'gridPoints'"));
  work = job("r", "awq", "rtn", 4);
  work.calibration = nullptr;
  QVERIFY(refused(work).contains("calibration of 'awq'"));
}

NIB_TEST(TransformTest)
#include "transform_test.moc"
