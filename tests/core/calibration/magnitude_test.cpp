// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "calibration/magnitude.hpp"
#include "nib_test.hpp"
#include "tensor/bf16_matrix.hpp"

#include <QTest>

#include <cmath>
#include <limits>

using namespace nibblesmith;
using tensor::Bf16Matrix;
using tensor::Matrix;

namespace {

calibration::MagnitudeAccumulator gathered(const std::vector<Bf16Matrix>& inputs, int threads) {
  base::ThreadPool pool(threads);
  calibration::MagnitudeAccumulator magnitude(inputs.front().cols());
  for (const Bf16Matrix& X : inputs)
    magnitude.add(std::vector{&X}, pool, {});
  return magnitude;
}

} // namespace

class MagnitudeTest : public QObject {
  Q_OBJECT
private slots:
  void areMeansAndMaxima() {
    std::vector<Bf16Matrix> inputs;
    for (const int64_t tokens : {7, 1, 600})
      inputs.push_back(tensor::narrowed(Matrix::Random(tokens, 531)));
    Eigen::ArrayXd sum = Eigen::ArrayXd::Zero(531);
    Eigen::ArrayXf largest = Eigen::ArrayXf::Zero(531);
    for (const Bf16Matrix& X : inputs)
      for (int64_t t = 0; t < X.rows(); ++t)
        for (int64_t i = 0; i < X.cols(); ++i) {
          const float value = std::abs(tensor::bf16ToF32(X(t, i)));
          sum[i] += static_cast<double>(value);
          largest[i] = std::max(largest[i], value);
        }
    const auto one = gathered(inputs, 1);
    QVERIFY((one.mean().cast<double>().array() - sum / 608.0).abs().maxCoeff() < 1e-6);
    QVERIFY((one.mean().cast<double>().array() - sum / 607.0).abs().minCoeff() > 1e-6);
    QVERIFY((one.largest().array() == largest).all());
    for (const int threads : {2, 5}) {
      QVERIFY(gathered(inputs, threads).mean() == one.mean());
      QVERIFY(gathered(inputs, threads).largest() == one.largest());
    }
  }

  void whatIsNotFiniteStays() {
    Matrix values = Matrix::Random(5, 40);
    values(1, 3) = std::numeric_limits<float>::quiet_NaN();
    values(2, 7) = -std::numeric_limits<float>::infinity();
    const auto magnitude = gathered({tensor::narrowed(values)}, 2);
    QVERIFY(std::isnan(magnitude.largest()[3]) && std::isnan(magnitude.mean()[3]));
    QVERIFY(std::isinf(magnitude.largest()[7]));
    QVERIFY(std::isfinite(magnitude.largest()[8]));
  }

  void cancels() {
    base::ThreadPool pool(2);
    calibration::MagnitudeAccumulator magnitude(40);
    std::stop_source source;
    source.request_stop();
    const Bf16Matrix X = tensor::narrowed(Matrix::Random(5, 40));
    QVERIFY_THROWS_EXCEPTION(base::Cancelled, magnitude.add(std::vector{&X}, pool, source.get_token()));
  }
};

NIB_TEST(MagnitudeTest)
#include "magnitude_test.moc"
