// SPDX-License-Identifier: Apache-2.0
#include "nib_test.hpp"
#include "tensor/bf16_matrix.hpp"
#include "tensor/int8_blocks.hpp"

#include <QtTest>

#include <cmath>
#include <limits>
#include <random>

using namespace nibblesmith::tensor;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

Matrix normalMatrix(int64_t rows, int64_t cols, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  return Matrix::NullaryExpr(rows, cols, [&] { return normal(random); });
}

Matrix product(const Matrix& x, const Matrix& W) {
  Matrix y(x.rows(), W.rows());
  Int8Blocks::multiplyNT(Int8Blocks(x), Int8Blocks(W), 0, W.rows(), y.data(), y.cols());
  return y;
}

MatrixD exact(const Matrix& x, const Matrix& W) { return x.cast<double>() * W.cast<double>().transpose(); }

double relativeError(const Matrix& y, const MatrixD& expected) {
  return (y.cast<double>() - expected).norm() / expected.norm();
}

} // namespace

class Int8BlocksTest : public QObject {
  Q_OBJECT

private slots:
  void products_data() {
    QTest::addColumn<int>("rows");
    QTest::addColumn<int>("outs");
    QTest::addColumn<int>("columns");
    for (const auto& [rows, outs, columns] :
         {std::tuple{1, 1, 1}, {3, 5, 16}, {4, 7, 257}, {300, 200, 576}, {9, 400, 1100}})
      QTest::addRow("%d x %d x %d", rows, outs, columns) << rows << outs << columns;
  }
  void products() {
    QFETCH(int, rows);
    QFETCH(int, outs);
    QFETCH(int, columns);
    const Matrix x = normalMatrix(rows, columns, 1), W = normalMatrix(outs, columns, 2);
    const Matrix y = product(x, W);
    // The error variance of each factor is a twelfth of a squared step; the step is 1/127 of the block's
    // largest value (bound: 3 to 4 sigma).
    QVERIFY2(relativeError(y, exact(x, W)) < 0.015,
             qPrintable(QString::number(relativeError(y, exact(x, W)))));
    if (columns > 1)
      QVERIFY(relativeError(y, exact(x, W)) > 1e-5);
  }

  void wholeCodesAreExact() {
    std::mt19937 random(3);
    const auto codes = [&](int64_t rows, int64_t cols) {
      Matrix m = Matrix::NullaryExpr(
          rows, cols, [&] { return static_cast<float>(static_cast<int>(random() % 255) - 127); });
      // Every block contains the largest code, so its scale is 1.
      for (int64_t block = 0; block < cols; block += 16)
        m.col(block).setConstant(-127.0f);
      return m;
    };
    const Matrix x = codes(270, 576), W = codes(210, 576);
    QVERIFY(product(x, W).cast<double>() == exact(x, W));
  }

  void aPartOfTheRows() {
    const Matrix x = normalMatrix(5, 300, 1), W = normalMatrix(20, 300, 2), all = product(x, W);
    Matrix y = Matrix::Constant(5, 9, 7.0f);
    Int8Blocks::multiplyNT(Int8Blocks(x), Int8Blocks(W), 6, 13, y.data() + 1, y.cols());
    QVERIFY(y.middleCols(1, 7) == all.middleCols(6, 7));
    QVERIFY((y.col(0).array() == 7.0f).all() && (y.col(8).array() == 7.0f).all());
  }

  void anOutlierCostsOnlyItsBlock() {
    Matrix x = normalMatrix(1, 1024, 1);
    const Matrix W = Matrix::Identity(1024, 1024), before = product(x, W);
    x(0, 10) = 5000.0f;
    const Matrix y = product(x, W);
    QVERIFY(y.rightCols(512) == before.rightCols(512));
    QCOMPARE(y(0, 10), 5000.0f);
    QCOMPARE(y(0, 11), 0.0f);
  }

  void bf16ValuesAreTheSame() {
    const Bf16Matrix x = narrowed(normalMatrix(3, 130, 4));
    const Matrix W = normalMatrix(2, 130, 5);
    Matrix y(3, 2);
    Int8Blocks::multiplyNT(Int8Blocks(x), Int8Blocks(W), 0, 2, y.data(), 2);
    QVERIFY(y == product(widened(x), W));
    const Vector factors = Vector::LinSpaced(130, 0.1f, 3.0f);
    Int8Blocks::multiplyNT(Int8Blocks(x, factors), Int8Blocks(W), 0, 2, y.data(), 2);
    QVERIFY(y == product(widened(x) * factors.asDiagonal(), W));
  }

  void edges() {
    const Matrix W = normalMatrix(4, 40, 2);
    QVERIFY(product(Matrix::Zero(2, 40), W).isZero());
    QVERIFY(product(Matrix::Constant(2, 40, 1e-45f), W).isZero()); // subnormals
    const Matrix huge = Matrix::Constant(2, 40, 3e38f);
    QVERIFY(relativeError(product(huge, W * 1e-4f), exact(huge, W * 1e-4f)) < 0.05);
    QCOMPARE(product(Matrix(0, 40), W).rows(), int64_t{0});
    QCOMPARE(product(Matrix::Ones(1, 40), Matrix(0, 40)).cols(), int64_t{0});
    for (const float bad : {kNaN, kInfinity, -kInfinity}) {
      Matrix x = Matrix::Ones(2, 600);
      x(1, 599) = bad;
      const Matrix y = product(x, normalMatrix(4, 600, 2));
      QVERIFY(y.row(0).allFinite());
      QVERIFY(y.row(1).array().isNaN().all());
      QVERIFY(product(normalMatrix(4, 600, 2), x).col(1).array().isNaN().all());
    }
  }
};

NIB_TEST(Int8BlocksTest)
#include "int8_blocks_test.moc"
