// SPDX-License-Identifier: Apache-2.0
#include "tensor/quantized_tensor.hpp"

#include "base/error.hpp"
#include "nib_test.hpp"

#include <QtTest>

#include <cmath>

using namespace nibblesmith;
using tensor::QuantizedTensor;

namespace {

QuantizedTensor makeTensor() {
  QuantizedTensor w;
  w.outFeatures = 2;
  w.inFeatures = 5;
  w.bits = 4;
  w.groupSize = 2;
  w.symmetric = false;
  w.codes = {0, 1, 2, 3, 4, 15, 14, 13, 12, 11};
  w.scales.resize(2, 3);
  w.scales << 1, 2, 4, 0.5f, 0.25f, 0.125f;
  w.zeroPoints = {0, 1, 2, 8, 9, 10};
  return w;
}

} // namespace

class QuantizedTensorTest : public QObject {
  Q_OBJECT

private slots:
  void dequantizes() {
    const tensor::Matrix values = makeTensor().dequantize();
    tensor::Matrix expected(2, 5);
    expected << 0, 1, 2, 4, 8, 3.5f, 3, 1, 0.75f, 0.125f;
    QVERIFY(values == expected);
    // groupIndex overrides the consecutive grouping of columns.
    QuantizedTensor indexed = makeTensor();
    indexed.groupIndex = {2, 2, 1, 1, 0};
    QCOMPARE(indexed.dequantize()(0, 0), 4.0f * (0 - 2));
    QCOMPARE(indexed.dequantize()(1, 4), 0.5f * (11 - 8));
    QVERIFY(indexed.dequantize() != expected);
  }

  void packedSize() {
    QuantizedTensor w = makeTensor();
    QCOMPARE(w.groups(), int64_t{3});
    QCOMPARE(w.packedBytes(), uint64_t{5 + 12 + 3}); // 10 codes, 6 scales, 6 zero points
    w.symmetric = true;
    QCOMPARE(w.packedBytes(), uint64_t{5 + 12});
    w.groupIndex.assign(5, 0);
    QCOMPARE(w.packedBytes(), uint64_t{5 + 12 + 20});
  }

  void validates_data() {
    QTest::addColumn<int>("defect");
    QTest::addColumn<QString>("word");
    QTest::newRow("no defect") << 0 << "";
    QTest::newRow("9 bits") << 1 << "bits";
    QTest::newRow("no rows") << 2 << "sizes";
    QTest::newRow("code too large") << 3 << "codes";
    QTest::newRow("code missing") << 4 << "codes";
    QTest::newRow("scales too few") << 5 << "scales";
    QTest::newRow("scale NaN") << 6 << "scales";
    QTest::newRow("zero point missing") << 7 << "zero points";
    QTest::newRow("group index too short") << 8 << "group index";
    QTest::newRow("group index out of range") << 9 << "group index";
  }
  void validates() {
    QFETCH(int, defect);
    QFETCH(QString, word);
    QuantizedTensor w = makeTensor();
    switch (defect) {
    case 1:
      w.bits = 9;
      break;
    case 2:
      w.outFeatures = 0;
      break;
    case 3:
      w.codes[3] = 16;
      break;
    case 4:
      w.codes.pop_back();
      break;
    case 5:
      w.scales.resize(2, 2);
      w.scales.setOnes();
      break;
    case 6:
      w.scales(0, 0) = NAN;
      break;
    case 7:
      w.zeroPoints.pop_back();
      break;
    case 8:
      w.groupIndex = {0, 1};
      break;
    case 9:
      w.groupIndex = {0, 0, 1, 1, 3};
      break;
    default:
      break;
    }
    QString message;
    try {
      w.validate("q_proj");
    } catch (const base::Error& error) {
      message = error.what();
    }
    QCOMPARE(message.isEmpty(), defect == 0);
    QVERIFY2(defect == 0 || (message.contains("q_proj") && message.contains(word)), qPrintable(message));
  }
};

NIB_TEST(QuantizedTensorTest)
#include "quantized_tensor_test.moc"
