// SPDX-License-Identifier: Apache-2.0
#include "base/thread_pool.hpp"
#include "runtime/operations.hpp"
#include "test_weights.hpp"

#include <QTest>

using namespace nibblesmith;
using namespace nibblesmith::runtime;
using tensor::Matrix;

namespace {

model::ModelConfig config(int64_t heads, int64_t keyValueHeads, int64_t headDim) {
  model::ModelConfig c;
  c.numHeads = heads;
  c.numKeyValueHeads = keyValueHeads;
  c.headDim = headDim;
  c.ropeTheta = 10000.0f;
  return c;
}

/// The definition, in f64.
Matrix plainAttention(const model::ModelConfig& c, const Matrix& q, const Matrix& k, const Matrix& v,
                      int64_t position) {
  Matrix out(q.rows(), q.cols());
  for (int64_t t = 0; t < q.rows(); ++t)
    for (int64_t h = 0; h < c.numHeads; ++h) {
      const int64_t from = h / (c.numHeads / c.numKeyValueHeads) * c.headDim;
      const auto query = q.row(t).segment(h * c.headDim, c.headDim).cast<double>();
      std::vector<double> weights;
      double total = 0;
      for (int64_t j = 0; j <= position + t; ++j) {
        const double score = query.dot(k.row(j).segment(from, c.headDim).cast<double>());
        weights.push_back(std::exp(score / std::sqrt(static_cast<double>(c.headDim))));
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
    QTest::addRow("one token alone") << 4 << 2 << 8 << 0 << 1;
    QTest::addRow("one token after others") << 9 << 3 << 64 << 70 << 1;
    QTest::addRow("a few tokens") << 6 << 1 << 40 << 5 << 7;
    QTest::addRow("a prompt") << 4 << 4 << 16 << 0 << 150;
    QTest::addRow("a prompt's second part") << 6 << 2 << 16 << 33 << 100;
  }
  void attends() {
    QFETCH(int, heads);
    QFETCH(int, keyValueHeads);
    QFETCH(int, headDim);
    QFETCH(int, position);
    QFETCH(int, tokens);
    const auto c = config(heads, keyValueHeads, headDim);
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
    // Seeing one key too many is noticed.
    const Matrix unmasked = plainAttention(c, q, k, v, position + 1);
    QVERIFY((out - unmasked).cwiseAbs().maxCoeff() > 1e-3f);
  }

  void rotatesByPosition() {
    const auto c = config(2, 2, 8);
    const RopeTable table(c, 100, 3);
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

  void doesNotDependOnThreads() {
    const Matrix x = test::randomMatrix(300, 576, 5);
    const Matrix up = test::randomMatrix(300, 576, 6);
    const tensor::Vector weight = test::randomMatrix(576, 1, 7);
    base::ThreadPool pool(3);
    Matrix one, many;
    rmsNorm(x, weight, 1e-5f, one, nullptr);
    rmsNorm(x, weight, 1e-5f, many, &pool);
    QVERIFY(one == many);
    siluMultiply(x, up, one, nullptr);
    siluMultiply(x, up, many, &pool);
    QVERIFY(one == many);
    const RopeTable table(config(9, 3, 64), 0, 300);
    one = many = x;
    table.apply(one, nullptr);
    table.apply(many, &pool);
    QVERIFY(one == many);
  }
};

QTEST_GUILESS_MAIN(OperationsTest)
#include "operations_test.moc"
