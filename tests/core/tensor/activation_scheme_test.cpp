// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "nib_test.hpp"
#include "tensor/activation_scheme.hpp"
#include "tensor/half.hpp"

#include <QTest>

#include <cmath>
#include <limits>

using namespace nibblesmith;
using tensor::ActivationScheme;
using tensor::Matrix;

namespace {

Matrix rounded(const ActivationScheme& scheme, const Matrix& x) {
  Matrix out(x.rows(), x.cols());
  tensor::roundInputValues(scheme, x.data(), x.rows(), x.cols(), "layer.q", out.data());
  return out;
}

std::string messageOf(const std::function<void()>& call) {
  try {
    call();
  } catch (const base::Error& error) {
    return error.what();
  }
  return "accepted";
}

} // namespace

/// Compares with fixed values; runtime's input_test compares with PyTorch.
class ActivationSchemeTest : public QObject {
  Q_OBJECT

private slots:
  void halvesGoToEven() {
    ActivationScheme scheme;
    scheme.isDynamic = false;
    scheme.granularity = ActivationScheme::Granularity::Tensor;
    scheme.scale = 0.5f;
    Matrix x(1, 5);
    x << 0.25f, 0.75f, -0.25f, 1000.0f, -1000.0f;
    Matrix expected(1, 5);
    expected << 0.0f, 1.0f, 0.0f, 63.5f, -64.0f;
    QVERIFY(rounded(scheme, x) == expected);
    // The zero point is added before the rounding, as compressed-tensors does.
    scheme.symmetric = false;
    scheme.zeroPoint = 1;
    expected << 0.5f, 0.5f, -0.5f, 63.0f, -64.5f;
    QVERIFY(rounded(scheme, x) == expected);
  }

  void codesAndValuesAgree() {
    for (const bool symmetric : {true, false})
      for (const int bits : {2, 4, 8}) {
        ActivationScheme scheme;
        scheme.bits = bits;
        scheme.symmetric = symmetric;
        const Matrix x = Matrix::Random(5, 77) * 3.0f;
        const Matrix values = rounded(scheme, x);
        const auto input = tensor::roundInput(scheme, x.data(), 5, 77, 128, "layer.q");
        for (int64_t t = 0; t < 5; ++t) {
          const auto& range = input.ranges[static_cast<size_t>(t)];
          for (int64_t i = 0; i < 128; ++i) {
            const int code = input.codes[static_cast<size_t>(t * 128 + i)];
            if (i < 77)
              QCOMPARE(range.scale * static_cast<float>(code - range.zeroPoint), values(t, i));
            else
              QCOMPARE(code, 0);
          }
          QVERIFY((values.row(t) - x.row(t)).cwiseAbs().maxCoeff() <= 0.5001f * range.scale);
        }
      }
  }

  void aTokenDoesNotDependOnOthers() {
    const Matrix x = Matrix::Random(4, 40) * 9.0f;
    ActivationScheme outliers;
    outliers.outlierThreshold = 6.0f;
    for (const ActivationScheme& scheme : {ActivationScheme{}, outliers}) {
      const Matrix all = rounded(scheme, x);
      for (int64_t t = 0; t < 4; ++t)
        QVERIFY(rounded(scheme, x.row(t)) == all.row(t));
    }
    ActivationScheme tensor;
    tensor.granularity = ActivationScheme::Granularity::Tensor;
    Matrix loud = x;
    loud(3, 0) = 500.0f;
    QVERIFY(rounded(tensor, loud).row(0) != rounded(tensor, x).row(0));
  }

  void threadsDoNotChangeAnything() {
    Matrix x = Matrix::Random(150, 700) * 9.0f;
    ActivationScheme tensor, outliers;
    tensor.granularity = ActivationScheme::Granularity::Tensor;
    tensor.symmetric = false;
    outliers.outlierThreshold = 6.0f;
    const auto codes = [&x](const ActivationScheme& scheme, base::ThreadPool* pool) {
      return tensor::roundInput(scheme, x.data(), x.rows(), x.cols(), 704, "layer.q", pool);
    };
    for (const ActivationScheme& scheme :
         {ActivationScheme{}, outliers, tensor, tensor::staticScheme(tensor, -7.0f, 8.0f)})
      for (const int threads : {1, 2, 5}) {
        base::ThreadPool pool(threads);
        Matrix values(x.rows(), x.cols());
        tensor::roundInputValues(scheme, x.data(), x.rows(), x.cols(), "layer.q", values.data(), &pool);
        QVERIFY(values == rounded(scheme, x));
        QVERIFY(codes(scheme, &pool).codes == codes(scheme, nullptr).codes);
      }
    // The first of several bad values is reported.
    x(40, 3) = std::numeric_limits<float>::infinity();
    x(140, 5) = std::numeric_limits<float>::quiet_NaN();
    base::ThreadPool pool(5);
    for (const ActivationScheme& scheme : {ActivationScheme{}, tensor})
      for (int i = 0; i < 20; ++i)
        QVERIFY(messageOf([&] { codes(scheme, &pool); }).find("found infinity at token 40, channel 3") !=
                std::string::npos);
  }

  void edges() {
    ActivationScheme scheme;
    QVERIFY(rounded(scheme, Matrix::Zero(2, 9)).isZero());
    QVERIFY(rounded(scheme, Matrix::Constant(1, 9, 1e-42f)).allFinite());
    QVERIFY(rounded(scheme, Matrix::Constant(1, 9, 3e38f)).allFinite());
    // One outlier ruins the symmetric scale for all other values; the outlier split avoids that.
    Matrix x = Matrix::Constant(1, 50, 0.5f);
    x(0, 20) = 400.0f;
    QCOMPARE(rounded(scheme, x)(0, 0), 0.0f);
    scheme.outlierThreshold = 6.0f;
    QCOMPARE(rounded(scheme, x)(0, 20), 400.0f);
    QVERIFY(std::abs(rounded(scheme, x)(0, 0) - 0.5f) < 1e-6f);
    // A row of outliers only; a value equal to the threshold is an outlier.
    QVERIFY(rounded(scheme, Matrix::Constant(1, 9, -6.0f)) == Matrix::Constant(1, 9, -6.0f));
    scheme.outlierThreshold = 0;
    scheme.symmetric = false;
    // All values on one side of zero: zero stays exactly representable.
    x = Matrix::Constant(1, 4, 3.0f);
    x(0, 1) = 0.0f;
    QCOMPARE(rounded(scheme, x)(0, 1), 0.0f);
    QVERIFY(std::abs(rounded(scheme, x)(0, 0) - 3.0f) < 1e-6f);
  }

  void badValuesAreNamed() {
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
      Matrix x = Matrix::Ones(3, 20);
      x(2, 17) = bad;
      const std::string message = messageOf([&] { rounded({}, x); });
      QVERIFY2(message.find("'layer.q'") != std::string::npos &&
                   message.find("token 2, channel 17") != std::string::npos,
               message.c_str());
    }
  }

  void staticSchemes() {
    ActivationScheme scheme;
    auto fixed = tensor::staticScheme(scheme, -3.0f, 2.0f);
    QCOMPARE(fixed.scale, tensor::roundToF16(3.0f / 127.5f));
    QCOMPARE(fixed.zeroPoint, 0);
    scheme.symmetric = false;
    fixed = tensor::staticScheme(scheme, -1.0f, 3.0f);
    QCOMPARE(fixed.scale, tensor::roundToF16(4.0f / 255.0f));
    QCOMPARE(fixed.zeroPoint, -64);
    QCOMPARE(tensor::staticScheme(scheme, 0.0f, 0.0f).scale, 1.0f);
    QVERIFY(tensor::staticScheme(scheme, 0.0f, 1e-9f).scale > 0.0f);
    fixed.validate("x");
    const auto back = tensor::activationSchemeFromJson(tensor::toJson(fixed), "file");
    QVERIFY(back == fixed);
  }

  void schemesThatDoNotFitAreRefused() {
    const auto refusal = [](auto change) {
      ActivationScheme scheme;
      change(scheme);
      return messageOf([&] { scheme.validate("layer.q"); });
    };
    QCOMPARE(refusal([](auto&) {}), std::string("accepted"));
    QVERIFY(refusal([](auto& s) { s.bits = 9; }).find("bits: expected 2 to 8, found 9") != std::string::npos);
    QVERIFY(refusal([](auto& s) { s.isDynamic = false; }).find("granularity") != std::string::npos);
    QVERIFY(refusal([](auto& s) { s.scale = 0; }).find("scale") != std::string::npos);
    QVERIFY(refusal([](auto& s) { s.zeroPoint = 3; }).find("zero point") != std::string::npos);
    QVERIFY(refusal([](auto& s) { s.outlierThreshold = -1; }).find("threshold") != std::string::npos);
    QVERIFY(refusal([](auto& s) { s.outlierThreshold = 6, s.bits = 4; }).find("threshold") !=
            std::string::npos);
  }

  void describes() {
    ActivationScheme scheme;
    QCOMPARE(scheme.describe(), std::string("8-bit per token dynamic"));
    scheme.outlierThreshold = 6;
    QCOMPARE(scheme.describe(), std::string("8-bit per token, outliers from 6"));
    scheme = tensor::staticScheme({}, -3.0f, 3.0f);
    QCOMPARE(scheme.describe(), std::string("8-bit per tensor static"));
  }
};

NIB_TEST(ActivationSchemeTest)
#include "activation_scheme_test.moc"
