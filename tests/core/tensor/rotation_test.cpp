// SPDX-License-Identifier: Apache-2.0
#include "tensor/rotation.hpp"

#include "base/error.hpp"
#include "nib_test.hpp"

#include <QTest>

using namespace nibblesmith;
using tensor::Matrix;
using tensor::Rotation;

namespace {

Matrix denseOf(const Rotation& rotation) {
  Matrix Q = Matrix::Identity(rotation.size(), rotation.size());
  rotation.applyToRows(Q);
  return Q;
}

float distanceFromIdentity(const Matrix& A) {
  return (A - Matrix::Identity(A.rows(), A.cols())).cwiseAbs().maxCoeff();
}

} // namespace

class RotationTest : public QObject {
  Q_OBJECT
private slots:
  void hadamardMatrices();
  void unknownOrderIsRefused();
  void isOrthogonal_data();
  void isOrthogonal();
  void columnsTurnLikeRows();
  void seedChoosesTheMatrix();
};

void RotationTest::hadamardMatrices() {
  // Both of Paley's constructions, and the two trivial orders.
  for (const int64_t order : {1, 2, 4, 8, 12, 20, 24, 28, 36, 44, 48, 60, 76, 108, 180}) {
    QVERIFY2(tensor::hasHadamard(order), qPrintable(QString::number(order)));
    Matrix H = tensor::hadamard(order);
    QCOMPARE((H.cwiseAbs().array() == 1.0f).count(), H.size());
    const Matrix product = H * H.transpose() / static_cast<float>(order);
    QVERIFY2(distanceFromIdentity(product) < 1e-6f, qPrintable(QString::number(order)));
    if (order > 2) {
      H(0, 0) = -H(0, 0);
      QVERIFY(distanceFromIdentity(H * H.transpose() / static_cast<float>(order)) > 0.01f);
    }
  }
}

void RotationTest::unknownOrderIsRefused() {
  for (const int64_t order : {0, 3, 6, 9, 18, 22, 40}) {
    QVERIFY(!tensor::hasHadamard(order));
    QVERIFY_THROWS_EXCEPTION(base::Error, tensor::hadamard(order));
  }
  QVERIFY_THROWS_EXCEPTION(base::Error, Rotation(0, 1));
}

void RotationTest::isOrthogonal_data() {
  QTest::addColumn<int>("size");
  QTest::addColumn<bool>("isHadamard");
  for (const int size : {1, 2, 12, 64, 288, 576, 896, 960, 1536})
    QTest::addRow("%d", size) << size << true;
  for (const int size : {3, 18, 70})
    QTest::addRow("%d, dense", size) << size << false;
}

void RotationTest::isOrthogonal() {
  QFETCH(int, size);
  QFETCH(bool, isHadamard);
  const Rotation rotation(size, 7);
  QCOMPARE(rotation.isHadamard(), isHadamard);
  const Matrix Q = denseOf(rotation);
  QVERIFY(distanceFromIdentity(Q * Q.transpose()) < 2e-5f);
  if (isHadamard) {
    const float entry = 1.0f / std::sqrt(static_cast<float>(size));
    QVERIFY((Q.cwiseAbs().array() - entry).abs().maxCoeff() < 1e-6f);
  }
}

void RotationTest::columnsTurnLikeRows() {
  for (const int64_t size : {12, 18}) {
    const Rotation rotation(size, 3);
    const Matrix Q = denseOf(rotation);
    const Matrix M = Matrix::Random(2 * size, 5);
    Matrix turned = M;
    rotation.applyToColumns(turned);
    Matrix expected = M;
    expected.topRows(size) = Q.transpose() * M.topRows(size);
    expected.bottomRows(size) = Q.transpose() * M.bottomRows(size);
    QVERIFY((turned - expected).cwiseAbs().maxCoeff() < 1e-5f);
    QVERIFY((turned - M).cwiseAbs().maxCoeff() > 0.1f);
  }
}

void RotationTest::seedChoosesTheMatrix() {
  for (const int64_t size : {64, 18}) {
    QVERIFY(denseOf(Rotation(size, 5)) == denseOf(Rotation(size, 5)));
    QVERIFY(denseOf(Rotation(size, 5)) != denseOf(Rotation(size, 6)));
  }
}

NIB_TEST(RotationTest)
#include "rotation_test.moc"
