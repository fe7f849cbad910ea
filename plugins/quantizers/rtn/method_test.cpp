// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "base/json.hpp"
#include "base/thread_pool.hpp"
#include "nib_test.hpp"
#include "quantizers/rtn/method.hpp"

#include <QTest>

#include <cmath>
#include <limits>
#include <random>

using namespace nibblesmith;
using tensor::Matrix;

namespace {

Matrix randomWeights(int64_t rows, int64_t cols) {
  std::mt19937 generator(7);
  Matrix W(rows, cols);
  for (int64_t i = 0; i < W.size(); ++i)
    W.data()[i] = static_cast<float>(generator() % 20001) / 10000.0f - 1.0f;
  return W;
}

std::unique_ptr<quantization::Grid> grid(int bits, int64_t groupSize, bool symmetric) {
  return quantization::makeGrid("affine",
                                {{"bits", bits}, {"groupSize", groupSize}, {"symmetric", symmetric}});
}

} // namespace

class RtnTest : public QObject {
  Q_OBJECT
private slots:
  void takesTheNearestCode();
  void edges_data();
  void edges();
  void threadsDoNotChangeAnything();
  void badInputIsNamed();
  void cancels();
};

void RtnTest::takesTheNearestCode() {
  base::ThreadPool pool(2);
  const Matrix W = randomWeights(33, 100);
  for (const bool symmetric : {true, false}) {
    const auto g = grid(4, 32, symmetric);
    const auto result = rtn::RtnRounding().round({"w", W, nullptr, *g}, pool, {});
    result.tensor.validate("w");
    QCOMPARE(result.fallbacks, std::vector<std::string>{"last group of each row has 4 of 32 weights"});
    for (int64_t r = 0; r < W.rows(); ++r)
      for (int64_t i = 0; i < W.cols(); ++i) {
        const auto at = static_cast<size_t>(r * result.tensor.groups() + i / 32);
        const quantization::GroupParameters group{result.tensor.scales(r, i / 32),
                                                  static_cast<float>(result.tensor.zeroPoints[at])};
        const auto errorOf = [&](int code) {
          return std::abs(g->decode(static_cast<uint8_t>(code), group) - W(r, i));
        };
        const int code = result.tensor.codes[static_cast<size_t>(r * W.cols() + i)];
        for (int other = 0; other < 16; ++other)
          QVERIFY(errorOf(code) <= errorOf(other) + 1e-6f);
        QVERIFY(errorOf(code == 15 ? 14 : code + 1) > errorOf(code) - 1e-6f);
      }
  }
}

void RtnTest::edges_data() {
  QTest::addColumn<int>("rows");
  QTest::addColumn<int>("cols");
  QTest::addColumn<int>("fill"); // 0: random, 1: an all-zero group, 2: an outlier, 3: constant
  QTest::newRow("one row") << 1 << 64 << 0;
  QTest::newRow("one column") << 40 << 1 << 0;
  QTest::newRow("tail group of one") << 3 << 33 << 0;
  QTest::newRow("all-zero group") << 3 << 64 << 1;
  QTest::newRow("one outlier") << 3 << 64 << 2;
  QTest::newRow("constant") << 3 << 64 << 3;
}

void RtnTest::edges() {
  QFETCH(int, rows);
  QFETCH(int, cols);
  QFETCH(int, fill);
  base::ThreadPool pool(2);
  Matrix W = randomWeights(rows, cols);
  if (fill == 1)
    W.leftCols(32).setZero();
  if (fill == 2)
    W(1, 40) = -500.0f;
  if (fill == 3)
    W.setConstant(-0.3f);
  for (const bool symmetric : {true, false})
    for (const int bits : {2, 4, 8}) {
      const auto g = grid(bits, 32, symmetric);
      const auto tensor = rtn::RtnRounding().round({"w", W, nullptr, *g}, pool, {}).tensor;
      tensor.validate("w");
      const Matrix Q = tensor.dequantize();
      for (int64_t r = 0; r < rows; ++r)
        for (int64_t i = 0; i < cols; ++i)
          // Half a step. At the ends of the range, the rounding of the zero point is added, and that of the
          // scale to f16 (at 8 bits 255 steps of 2^-11 each, half of them on one side).
          QVERIFY(std::abs(Q(r, i) - W(r, i)) <= tensor.scales(r, i / 32) * (symmetric ? 0.57f : 1.13f));
      if (fill == 1)
        QVERIFY(Q.leftCols(32).isZero());
      if (fill == 2) {
        QVERIFY(std::abs(Q(1, 40) + 500.0f) <= 0.57f * tensor.scales(1, 1));
        QVERIFY(tensor.scales(1, 1) > 100.0f * tensor.scales(0, 1));
      }
    }
}

void RtnTest::threadsDoNotChangeAnything() {
  const Matrix W = randomWeights(101, 70);
  const auto g = grid(3, 32, false);
  std::vector<tensor::QuantizedTensor> results;
  for (const int threads : {1, 2, 5}) {
    base::ThreadPool pool(threads);
    results.push_back(rtn::RtnRounding().round({"w", W, nullptr, *g}, pool, {}).tensor);
  }
  QCOMPARE(results[0].codes, results[1].codes);
  QCOMPARE(results[0].codes, results[2].codes);
  QVERIFY(results[0].scales == results[1].scales && results[0].scales == results[2].scales);
}

void RtnTest::badInputIsNamed() {
  base::ThreadPool pool(1);
  const auto g = grid(4, 32, true);
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity(), 1e7f}) {
    Matrix W = randomWeights(3, 64);
    W(2, 10) = bad;
    try {
      rtn::RtnRounding().round({"layer.v", W, nullptr, *g}, pool, {});
      QFAIL("expected an error");
    } catch (const base::Error& error) {
      QVERIFY(error.code() == base::ErrorCode::Numerical);
      QVERIFY2(std::string(error.what()).find("layer.v") != std::string::npos, error.what());
    }
  }
}

void RtnTest::cancels() {
  base::ThreadPool pool(2);
  const Matrix W = randomWeights(100, 64);
  const auto g = grid(4, 32, true);
  std::stop_source source;
  source.request_stop();
  QVERIFY_THROWS_EXCEPTION(base::Cancelled,
                           rtn::RtnRounding().round({"w", W, nullptr, *g}, pool, source.get_token()));
}

NIB_TEST(RtnTest)
#include "method_test.moc"
