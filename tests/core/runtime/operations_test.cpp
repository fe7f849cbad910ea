// SPDX-License-Identifier: Apache-2.0
#include "base/thread_pool.hpp"
#include "nib_test.hpp"
#include "runtime/norm_layer.hpp"
#include "runtime/operations.hpp"
#include "test_weights.hpp"

#include <QTest>

using namespace nibblesmith;
using namespace nibblesmith::runtime;
using tensor::Matrix;

namespace {

AttentionShape shape(int64_t heads, int64_t keyValueHeads, int64_t headDim) {
  return {heads, keyValueHeads, headDim, 1.0f / std::sqrt(static_cast<float>(headDim)), 0, 0};
}

/// Reference attention in f64, written from the definition.
Matrix plainAttention(const AttentionShape& c, const Matrix& q, const Matrix& k, const Matrix& v,
                      int64_t position) {
  Matrix out(q.rows(), q.cols());
  for (int64_t t = 0; t < q.rows(); ++t)
    for (int64_t h = 0; h < c.numHeads; ++h) {
      const int64_t from = h / (c.numHeads / c.numKeyValueHeads) * c.headDim;
      const auto query = q.row(t).segment(h * c.headDim, c.headDim).cast<double>();
      std::vector<double> weights;
      double total = 0;
      for (int64_t j = 0; j <= position + t; ++j) {
        double score =
            query.dot(k.row(j).segment(from, c.headDim).cast<double>()) * static_cast<double>(c.scale);
        if (c.softCap > 0)
          score = static_cast<double>(c.softCap) * std::tanh(score / static_cast<double>(c.softCap));
        const bool isSeen = c.window == 0 || j > position + t - c.window;
        weights.push_back(isSeen ? std::exp(score) : 0.0);
        total += weights.back();
      }
      for (int64_t i = 0; i < c.headDim; ++i) {
        double sum = 0;
        for (size_t j = 0; j < weights.size(); ++j)
          sum += weights[j] / total * static_cast<double>(v(static_cast<int64_t>(j), from + i));
        out(t, h * c.headDim + i) = static_cast<float>(sum);
      }
    }
  return out;
}

} // namespace

class OperationsTest : public QObject {
  Q_OBJECT

private slots:
  void attends_data() {
    QTest::addColumn<int>("heads");
    QTest::addColumn<int>("keyValueHeads");
    QTest::addColumn<int>("headDim");
    QTest::addColumn<int>("position");
    QTest::addColumn<int>("tokens");
    QTest::addColumn<int>("window");
    QTest::addColumn<float>("softCap");
    QTest::addRow("one token alone") << 4 << 2 << 8 << 0 << 1 << 0 << 0.0f;
    QTest::addRow("one token after others") << 9 << 3 << 64 << 70 << 1 << 0 << 0.0f;
    QTest::addRow("a few tokens") << 6 << 1 << 40 << 5 << 7 << 0 << 0.0f;
    QTest::addRow("a prompt") << 4 << 4 << 16 << 0 << 150 << 0 << 0.0f;
    QTest::addRow("a prompt of grouped heads, window, capped") << 9 << 3 << 64 << 0 << 200 << 70 << 0.5f;
    QTest::addRow("a prompt's second part") << 6 << 2 << 16 << 33 << 100 << 0 << 0.0f;
    QTest::addRow("one token, window") << 9 << 3 << 64 << 70 << 1 << 9 << 0.0f;
    QTest::addRow("a few tokens over the window's border") << 6 << 1 << 40 << 5 << 7 << 8 << 0.0f;
    QTest::addRow("only itself") << 4 << 2 << 8 << 5 << 3 << 1 << 0.0f;
    QTest::addRow("a prompt, window") << 4 << 4 << 16 << 0 << 150 << 20 << 0.0f;
    QTest::addRow("a prompt's second part, long window") << 6 << 2 << 16 << 33 << 100 << 90 << 0.0f;
    QTest::addRow("one token, capped") << 9 << 3 << 64 << 70 << 1 << 0 << 0.5f;
    QTest::addRow("a prompt, window, capped") << 4 << 2 << 16 << 7 << 150 << 33 << 0.5f;
  }
  void attends() {
    QFETCH(int, heads);
    QFETCH(int, keyValueHeads);
    QFETCH(int, headDim);
    QFETCH(int, position);
    QFETCH(int, tokens);
    QFETCH(int, window);
    QFETCH(float, softCap);
    auto c = shape(heads, keyValueHeads, headDim);
    c.window = window;
    c.softCap = softCap;
    const Matrix q = test::randomMatrix(tokens, heads * headDim, 1);
    const Matrix k = test::randomMatrix(position + tokens + 3, keyValueHeads * headDim, 2);
    const Matrix v = test::randomMatrix(position + tokens + 3, keyValueHeads * headDim, 3);
    Matrix out;
    causalAttention(c, q, MatrixRows(k, c.headDim), MatrixRows(v, c.headDim), position, out, nullptr);
    const Matrix expected = plainAttention(c, q, k, v, position);
    QVERIFY((out - expected).cwiseAbs().maxCoeff() < 5e-6f);
    base::ThreadPool pool(3);
    Matrix threaded;
    causalAttention(c, q, MatrixRows(k, c.headDim), MatrixRows(v, c.headDim), position, threaded, &pool);
    QVERIFY(threaded == out);
    if (position == 0) {
      // Queries, keys, values and weights are off by at most 2^-9 each; a wrong mask differs much more.
      Matrix narrow;
      bf16CausalAttention(c, q, k.topRows(tokens), v.topRows(tokens), narrow);
      QVERIFY((narrow - expected).cwiseAbs().maxCoeff() < 0.02f);
      QVERIFY((narrow - expected).norm() < 0.005f * expected.norm());
      if (tokens > 1) {
        QVERIFY((narrow - expected).norm() > 0);
        QVERIFY((narrow - plainAttention(c, q, k, v, 1)).norm() > 0.05f * expected.norm());
      }
    }
    // Negative controls: one key too many at either end, and another cap.
    const Matrix unmasked = plainAttention(c, q, k, v, position + 1);
    QVERIFY((out - unmasked).cwiseAbs().maxCoeff() > 1e-3f);
    if (window > 0) {
      ++c.window;
      QVERIFY((out - plainAttention(c, q, k, v, position)).cwiseAbs().maxCoeff() > 1e-3f);
      --c.window;
    }
    if (softCap > 0) {
      c.softCap = 0;
      QVERIFY((out - plainAttention(c, q, k, v, position)).cwiseAbs().maxCoeff() > 1e-3f);
    }
  }

  void rotatesByPosition() {
    const RopeTable table({8, 10000.0f, {}, 1.0f}, 8, 103, 100, 3);
    const Matrix before = test::randomMatrix(3, 16, 4);
    Matrix after = before;
    table.apply(after, nullptr);
    for (int64_t t = 0; t < 3; ++t)
      for (int64_t head = 0; head < 2; ++head)
        for (int64_t i = 0; i < 4; ++i) {
          const double angle =
              static_cast<double>(100 + t) * std::pow(10000.0, -2.0 * static_cast<double>(i) / 8.0);
          const double a = before(t, head * 8 + i);
          const double b = before(t, head * 8 + i + 4);
          QVERIFY(std::abs(after(t, head * 8 + i) - (a * std::cos(angle) - b * std::sin(angle))) < 2e-5);
          QVERIFY(std::abs(after(t, head * 8 + i + 4) - (b * std::cos(angle) + a * std::sin(angle))) < 2e-5);
        }
    QVERIFY((after - before).cwiseAbs().maxCoeff() > 0.1f);
  }

  void rotatesAPartOfEachHead() {
    // 4 of 6 dimensions; the second pair has a third of its frequency; everything is 1.5 times as large.
    const RopeTable table({4, 100.0f, {1.0f, 3.0f}, 1.5f}, 6, 22, 20, 2);
    const Matrix before = test::randomMatrix(2, 12, 4);
    Matrix after = before;
    table.apply(after, nullptr);
    for (int64_t t = 0; t < 2; ++t)
      for (int64_t head = 0; head < 12; head += 6) {
        for (int64_t i = 0; i < 2; ++i) {
          const double angle = static_cast<double>(20 + t) * (i == 0 ? 1.0 : 0.1 / 3.0);
          const double a = before(t, head + i), b = before(t, head + i + 2);
          QVERIFY(std::abs(after(t, head + i) - 1.5 * (a * std::cos(angle) - b * std::sin(angle))) < 2e-5);
          QVERIFY(std::abs(after(t, head + i + 2) - 1.5 * (b * std::cos(angle) + a * std::sin(angle))) <
                  2e-5);
        }
        QCOMPARE(after(t, head + 4), before(t, head + 4));
        QCOMPARE(after(t, head + 5), before(t, head + 5));
      }
  }

  void activates_data() {
    QTest::addColumn<int>("function");
    QTest::addColumn<float>("at1");
    QTest::addColumn<float>("atMinus2");
    // torch.nn.functional 2.13: silu, gelu, gelu(approximate="tanh").
    QTest::addRow("silu") << static_cast<int>(model::Activation::Silu) << 0.7310586f << -0.2384058f;
    QTest::addRow("gelu") << static_cast<int>(model::Activation::Gelu) << 0.8413447f << -0.0455003f;
    QTest::addRow("gelu_tanh") << static_cast<int>(model::Activation::GeluTanh) << 0.8411920f << -0.0454023f;
  }
  void activates() {
    QFETCH(int, function);
    QFETCH(float, at1);
    QFETCH(float, atMinus2);
    const auto f = static_cast<model::Activation>(function);
    Matrix x(1, 3), up(1, 3), out;
    x << 1.0f, -2.0f, 0.0f;
    up << 3.0f, 0.5f, 7.0f;
    activate(f, x, out, nullptr);
    QVERIFY(std::abs(out(0, 0) - at1) < 1e-6f && std::abs(out(0, 1) - atMinus2) < 1e-6f && out(0, 2) == 0.0f);
    activateMultiply(f, x, up, out, nullptr);
    QVERIFY(std::abs(out(0, 0) - 3.0f * at1) < 1e-6f && std::abs(out(0, 1) - 0.5f * atMinus2) < 1e-6f &&
            out(0, 2) == 0.0f);
  }

  void norms() {
    const Matrix x = test::randomMatrix(3, 24, 8);
    Matrix stored = test::randomMatrix(1, 24, 9), bias = test::randomMatrix(1, 24, 10);
    model::NormWeights weights{"norm", tensor::ownedView(stored), std::nullopt, model::NormRole::Final};
    Matrix out;
    NormLayer({model::Norm::Kind::Rms, 1e-2f, 1.0f}, weights, 24).apply(x, out, nullptr);
    for (int64_t t = 0; t < 3; ++t) {
      const double root = std::sqrt(x.row(t).cast<double>().squaredNorm() / 24 + 1e-2);
      for (int64_t i = 0; i < 24; ++i)
        QVERIFY(std::abs(out(t, i) - x(t, i) / root * (1.0 + stored(0, i))) < 1e-5);
    }
    weights.bias = tensor::ownedView(bias);
    NormLayer({model::Norm::Kind::Layer, 1e-2f, 0.0f}, weights, 24).apply(x, out, nullptr);
    for (int64_t t = 0; t < 3; ++t) {
      const double mean = x.row(t).cast<double>().mean();
      const double root = std::sqrt((x.row(t).cast<double>().array() - mean).square().mean() + 1e-2);
      for (int64_t i = 0; i < 24; ++i)
        QVERIFY(std::abs(out(t, i) - ((x(t, i) - mean) / root * stored(0, i) + bias(0, i))) < 1e-5);
    }
    // Normalizing heads equals normalizing their rows one by one.
    const NormLayer ofHeads(
        {model::Norm::Kind::Rms, 1e-2f, 0.0f},
        {"q_norm", tensor::ownedView(Matrix(stored.leftCols(8))), std::nullopt, model::NormRole::Query}, 8);
    Matrix whole = x, one;
    ofHeads.applyToHeads(whole, nullptr);
    ofHeads.apply(Matrix(x.block(1, 8, 1, 8)), one, nullptr);
    QVERIFY(one == whole.block(1, 8, 1, 8));
    QVERIFY_EXCEPTION_THROWN(NormLayer({}, weights, 23), base::Error);
  }

  void doesNotDependOnThreads() {
    const Matrix x = test::randomMatrix(300, 576, 5);
    const Matrix up = test::randomMatrix(300, 576, 6);
    const tensor::Vector weight = test::randomMatrix(576, 1, 7);
    base::ThreadPool pool(3);
    Matrix one, many;
    for (const auto kind : {model::Norm::Kind::Rms, model::Norm::Kind::Layer}) {
      const NormLayer norm(
          {kind, 1e-5f, 0.0f},
          {"norm", tensor::ownedView(Matrix(weight.transpose())), std::nullopt, model::NormRole::Final}, 576);
      norm.apply(x, one, nullptr);
      norm.apply(x, many, &pool);
      QVERIFY(one == many);
    }
    for (const auto f : {model::Activation::Silu, model::Activation::Gelu, model::Activation::GeluTanh}) {
      activateMultiply(f, x, up, one, nullptr);
      activateMultiply(f, x, up, many, &pool);
      QVERIFY(one == many);
    }
    const RopeTable table({64, 10000.0f, {}, 1.0f}, 64, 300, 0, 300);
    one = many = x;
    table.apply(one, nullptr);
    table.apply(many, &pool);
    QVERIFY(one == many);
  }
};

NIB_TEST(OperationsTest)
#include "operations_test.moc"
