// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "calibration/hessian.hpp"
#include "nib_test.hpp"
#include "tensor/bf16_matrix.hpp"

#include <QTest>

#include <random>

using namespace nibblesmith;
using tensor::Bf16Matrix;
using tensor::Matrix;
using tensor::MatrixD;

namespace {

std::vector<Bf16Matrix> randomInputs(int64_t width, const std::vector<int64_t>& lengths) {
  std::mt19937 generator(3);
  std::vector<Bf16Matrix> inputs;
  for (const int64_t length : lengths) {
    Matrix X(length, width);
    for (int64_t i = 0; i < X.size(); ++i)
      X.data()[i] = static_cast<float>(generator() % 2001) / 1000.0f - 1.0f;
    X.col(0) += X.col(width - 1);
    inputs.push_back(tensor::narrowed(X));
  }
  return inputs;
}

MatrixD wide(const Bf16Matrix& X) { return tensor::widened(X).cast<double>(); }

std::vector<const Bf16Matrix*> pointers(const std::vector<Bf16Matrix>& inputs) {
  std::vector<const Bf16Matrix*> result;
  for (const Bf16Matrix& X : inputs)
    result.push_back(&X);
  return result;
}

} // namespace

class HessianTest : public QObject {
  Q_OBJECT
private slots:
  void isTheScaledGramMatrix_data();
  void isTheScaledGramMatrix();
  void threadsDoNotChangeAnything();
  void badInput();
};

void HessianTest::isTheScaledGramMatrix_data() {
  QTest::addColumn<int>("width");
  for (const int width : {1, 40, 192, 193, 500})
    QTest::addRow("width %d", width) << width;
}

void HessianTest::isTheScaledGramMatrix() {
  QFETCH(int, width);
  base::ThreadPool pool(2);
  const auto inputs = randomInputs(width, {7, 1, 1500, 64});
  calibration::HessianAccumulator accumulator(width);
  accumulator.add(std::vector{&inputs[0], &inputs[1]}, pool, {});
  accumulator.add(std::vector{&inputs[2], &inputs[3]}, pool, {});
  QCOMPARE(accumulator.tokens(), int64_t{1572});
  const Matrix H = accumulator.take();
  MatrixD expected = MatrixD::Zero(width, width);
  for (const Bf16Matrix& X : inputs)
    expected += wide(X).transpose() * wide(X);
  expected *= 2.0 / 1572.0;
  QVERIFY(H == H.transpose().eval());
  const double error = (H.cast<double>() - expected).cwiseAbs().maxCoeff();
  QVERIFY2(error < 1e-5, qPrintable(QString::number(error)));
  // Negative control: one token more or less.
  QVERIFY((H.cast<double>() * (1572.0 / 1571.0) - expected).cwiseAbs().maxCoeff() > 1e-4);
  QCOMPARE(accumulator.tokens(), int64_t{0});
}

void HessianTest::threadsDoNotChangeAnything() {
  const auto inputs = randomInputs(450, {300, 300, 77});
  std::vector<Matrix> results;
  for (const int threads : {1, 2, 5}) {
    base::ThreadPool pool(threads);
    calibration::HessianAccumulator accumulator(450);
    accumulator.add(pointers(inputs), pool, {});
    results.push_back(accumulator.take());
  }
  // Adds the inputs in pieces, because every entry is accumulated in the order of the inputs.
  base::ThreadPool pool(2);
  calibration::HessianAccumulator accumulator(450);
  for (const Bf16Matrix& X : inputs)
    accumulator.add(std::vector{&X}, pool, {});
  QVERIFY(results[0] == results[1]);
  QVERIFY(results[0] == results[2]);
  QVERIFY(results[0] == accumulator.take());
}

void HessianTest::badInput() {
  base::ThreadPool pool(2);
  calibration::HessianAccumulator accumulator(20);
  QVERIFY_THROWS_EXCEPTION(base::Error, accumulator.take());
  const auto inputs = randomInputs(21, {4});
  QVERIFY_THROWS_EXCEPTION(base::Error, accumulator.add(pointers(inputs), pool, {}));
  const auto right = randomInputs(20, {4});
  std::stop_source source;
  source.request_stop();
  QVERIFY_THROWS_EXCEPTION(base::Cancelled, accumulator.add(pointers(right), pool, source.get_token()));
}

NIB_TEST(HessianTest)
#include "hessian_test.moc"
