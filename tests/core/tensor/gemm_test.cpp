// SPDX-License-Identifier: Apache-2.0
#include "base/thread_pool.hpp"
#include "nib_test.hpp"
#include "tensor/bf16_matrix.hpp"
#include "tensor/gemm.hpp"
#include "tensor/gemm_widened.hpp"

#include <QtTest>

#include <random>

using namespace nibblesmith;
using namespace nibblesmith::tensor;

namespace {

Matrix randomMatrix(int64_t rows, int64_t cols, unsigned seed) {
  std::mt19937 random(seed);
  Matrix m(rows, cols);
  for (int64_t i = 0; i < m.size(); ++i)
    m.data()[i] = static_cast<float>(random()) * 0x1p-31f - 1.0f;
  return m;
}

// Bound for f32 sums of k products of values below one: at most k roundings of half a unit in the last place.
double tolerance(int64_t k) { return static_cast<double>(k) * static_cast<double>(k) * 0x1p-24; }

double worst(const Matrix& actual, const MatrixD& expected) {
  return (actual.cast<double>() - expected).cwiseAbs().maxCoeff();
}

} // namespace

class GemmTest : public QObject {
  Q_OBJECT

private slots:
  void products_data() {
    QTest::addColumn<int>("m");
    QTest::addColumn<int>("n");
    QTest::addColumn<int>("k");
    for (const auto& [m, n, k] :
         {std::tuple{1, 1, 1}, {1, 17, 64}, {5, 3, 7}, {33, 65, 129}, {64, 64, 256}, {7, 100, 1}})
      QTest::addRow("%d x %d x %d", m, n, k) << m << n << k;
  }
  void products() {
    QFETCH(int, m);
    QFETCH(int, n);
    QFETCH(int, k);
    // Leading dimensions larger than the row length: the matrices are parts of larger ones.
    const Matrix A = randomMatrix(m, k + 3, 1), B = randomMatrix(n, k + 2, 2), Bt = randomMatrix(k, n + 1, 3),
                 At = randomMatrix(k, m + 5, 4);
    const Matrix C = randomMatrix(m, n, 5);
    const auto left = [&](const Matrix& x, int64_t cols) -> MatrixD {
      return x.leftCols(cols).cast<double>();
    };
    Matrix nt = C, nn = C, tn = C;
    gemmNT(m, n, k, 0.5f, A.data(), A.cols(), B.data(), B.cols(), 2.0f, nt.data(), n);
    gemmNN(m, n, k, 1.0f, A.data(), A.cols(), Bt.data(), Bt.cols(), 0.0f, nn.data(), n);
    gemmTN(m, n, k, -1.0f, At.data(), At.cols(), Bt.data(), Bt.cols(), 1.0f, tn.data(), n);
    const MatrixD expectedNt = 0.5 * left(A, k) * left(B, k).transpose() + 2.0 * C.cast<double>();
    QVERIFY(worst(nt, expectedNt) <= tolerance(k + 2));
    QVERIFY(worst(nn, left(A, k) * left(Bt, n)) <= tolerance(k + 2));
    QVERIFY(worst(tn, C.cast<double>() - left(At, m).transpose() * left(Bt, n)) <= tolerance(k + 2));
    // Negative control: the tolerance must catch a product that omits its last term.
    if (k > 1) {
      gemmNT(m, n, k - 1, 0.5f, A.data(), A.cols(), B.data(), B.cols(), 0.0f, nt.data(), n);
      QVERIFY(worst(nt, expectedNt - 2.0 * C.cast<double>()) > 10 * tolerance(k + 2) || k > 100);
    }
  }

  void bf16Products_data() { products_data(); }
  void bf16Products() {
    QFETCH(int, m);
    QFETCH(int, n);
    QFETCH(int, k);
    const auto wide = [](const Bf16Matrix& x, int64_t cols) {
      return MatrixD(widened(x).leftCols(cols).cast<double>());
    };
    const Bf16Matrix A = narrowed(randomMatrix(m, k + 3, 1)), B = narrowed(randomMatrix(n, k + 2, 2)),
                     At = narrowed(randomMatrix(k, m + 5, 4)), Bt = narrowed(randomMatrix(k, n + 1, 3));
    const Matrix C = randomMatrix(m, n + 2, 5);
    Matrix nt = C, tn = C;
    bf16GemmNT(m, n, k, A.data(), A.cols(), B.data(), B.cols(), nt.data(), nt.cols());
    bf16AddGemmTN(m, n, k, At.data(), At.cols(), Bt.data(), Bt.cols(), tn.data(), tn.cols());
    QVERIFY(worst(nt.leftCols(n), wide(A, k) * wide(B, k).transpose()) <= tolerance(k + 2));
    QVERIFY(worst(tn.leftCols(n), C.leftCols(n).cast<double>() + wide(At, m).transpose() * wide(Bt, n)) <=
            tolerance(k + 2));
    QVERIFY(nt.rightCols(2) == C.rightCols(2) && tn.rightCols(2) == C.rightCols(2));
    // Negative control: the product of the unrounded f32 values must differ.
    QVERIFY(k < 64 ||
            worst(nt.leftCols(n), randomMatrix(m, k + 3, 1).leftCols(k).cast<double>() *
                                      randomMatrix(n, k + 2, 2).leftCols(k).transpose().cast<double>()) >
                10 * tolerance(k + 2) ||
            k > 100);
  }

  void int8Products_data() {
    products_data();
    QTest::addRow("the deepest exact one") << 3 << 20 << 1040;
  }
  void int8Products() {
    QFETCH(int, m);
    QFETCH(int, n);
    QFETCH(int, k);
    using Codes = Eigen::Matrix<int8_t, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    const auto codes = [](const Matrix& values) {
      return Codes((values * 127.0f).array().round().matrix().cast<int8_t>());
    };
    Codes A = codes(randomMatrix(m, k + 3, 1)), B = codes(randomMatrix(n, k + 2, 2));
    A.row(0).setConstant(127); // the largest possible sum
    B.row(0).setConstant(-127);
    const Matrix before = randomMatrix(m, n + 2, 5);
    Matrix C = before;
    int8GemmNT(m, n, k, A.data(), A.cols(), B.data(), B.cols(), C.data(), C.cols());
    const Matrix expected =
        (A.leftCols(k).cast<int32_t>() * B.leftCols(k).cast<int32_t>().transpose()).cast<float>();
    QVERIFY(C.leftCols(n) == expected);
    QVERIFY(C.rightCols(2) == before.rightCols(2));
    QCOMPARE(C(0, 0), static_cast<float>(-127 * 127 * k));
    widenedInt8GemmNT(m, n, k, A.data(), A.cols(), B.data(), B.cols(), C.data(), C.cols());
    QVERIFY(C.leftCols(n) == expected);
  }

  void zeroBetaOverwritesNan() {
    const Matrix A = randomMatrix(3, 4, 1), B = randomMatrix(5, 4, 2);
    Matrix C = Matrix::Constant(3, 5, std::numeric_limits<float>::quiet_NaN());
    gemmNT(3, 5, 4, 1.0f, A.data(), 4, B.data(), 4, 0.0f, C.data(), 5);
    QVERIFY(C.allFinite());
  }

  void threadsDoNotChangeTheResult() {
    const int64_t tokens = 70, outFeatures = 300, inFeatures = 190;
    const Matrix x = randomMatrix(tokens, inFeatures, 1), W = randomMatrix(outFeatures, inFeatures, 2);
    const auto run = [&](int threads) {
      base::ThreadPool pool(threads);
      Matrix y(tokens, outFeatures);
      parallelGemmNT(tokens, outFeatures, inFeatures, x.data(), inFeatures, W.data(), inFeatures, y.data(),
                     outFeatures, pool);
      return y;
    };
    const Matrix one = run(1);
    QVERIFY(one == run(2) && one == run(3));
    QVERIFY(worst(one, x.cast<double>() * W.cast<double>().transpose()) <= tolerance(inFeatures));
  }
};

NIB_TEST(GemmTest)
#include "gemm_test.moc"
