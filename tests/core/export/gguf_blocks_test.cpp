// SPDX-License-Identifier: Apache-2.0
#include "export/gguf_blocks.hpp"

#include "base/json.hpp"
#include "export/gguf_plan.hpp"
#include "nib_test.hpp"
#include "tensor/half.hpp"
#include "test_data.hpp"

#include <QtTest>

#include <cmath>
#include <cstring>
#include <limits>

using namespace nibblesmith;
using tensor::DType;

namespace {

std::vector<std::byte> fromHex(const std::string& text) {
  const QByteArray bytes = QByteArray::fromHex(QByteArray::fromStdString(text));
  std::vector<std::byte> result(static_cast<size_t>(bytes.size()));
  std::memcpy(result.data(), bytes.data(), result.size());
  return result;
}

/// Returns a grid of random codes with one row per case: groups of 32 over 64 columns.
tensor::QuantizedTensor randomGrid(int bits, bool symmetric) {
  tensor::QuantizedTensor q;
  q.outFeatures = 3;
  q.inFeatures = 64;
  q.groupSize = 32;
  q.bits = bits;
  q.symmetric = symmetric;
  uint32_t state = 12345;
  const auto next = [&state](uint32_t below) {
    return (state = state * 1664525u + 1013904223u) / 65536u % below;
  };
  const uint32_t levels = 1u << bits;
  for (int64_t i = 0; i < q.outFeatures * q.inFeatures; ++i)
    q.codes.push_back(static_cast<uint8_t>(next(levels)));
  q.codes[0] = 0; // both ends of the grid
  q.codes[1] = static_cast<uint8_t>(levels - 1);
  q.scales.resize(3, 2);
  for (int64_t i = 0; i < q.scales.size(); ++i)
    q.scales.data()[i] = tensor::roundToF16(0.01f + 0.001f * static_cast<float>(next(100)));
  for (int i = 0; i < 6; ++i)
    q.zeroPoints.push_back(static_cast<uint8_t>(symmetric ? levels / 2 : next(levels)));
  return q;
}

tensor::Matrix carried(const tensor::QuantizedTensor& q, DType type) {
  const auto rowBytes = static_cast<size_t>(tensor::storageBytes(type, q.inFeatures));
  std::vector<std::byte> bytes(rowBytes * static_cast<size_t>(q.outFeatures));
  for (int64_t o = 0; o < q.outFeatures; ++o)
    exporting::writeCodes(q, o, type, bytes.data() + static_cast<size_t>(o) * rowBytes, "test");
  return tensor::toMatrix({type, {q.outFeatures, q.inFeatures}, bytes, nullptr});
}

} // namespace

class GgufBlocksTest : public QObject {
  Q_OBJECT

private slots:
  void equalsGgml_data() {
    QTest::addColumn<int>("type");
    QTest::newRow("Q4_0") << static_cast<int>(DType::Q4_0);
    QTest::newRow("Q4_1") << static_cast<int>(DType::Q4_1);
    QTest::newRow("Q8_0") << static_cast<int>(DType::Q8_0);
  }
  void equalsGgml() {
    QFETCH(int, type);
    const auto dtype = static_cast<DType>(type);
    const base::Json golden = base::readJsonFile(test::projectFile("tests/golden/export/blocks.json"));
    const auto valueBytes = fromHex(golden.at("values"));
    std::vector<float> values(valueBytes.size() / sizeof(float));
    std::memcpy(values.data(), valueBytes.data(), valueBytes.size());
    const auto expected = fromHex(golden.at(std::string(tensor::toString(dtype))));
    std::vector<std::byte> found(expected.size());
    const auto count = static_cast<int64_t>(values.size());
    QCOMPARE(tensor::storageBytes(dtype, count), uint64_t{expected.size()});
    exporting::roundToBlocks(dtype, values.data(), count, found.data(), "golden");
    QVERIFY(found == expected);
    // Negative control: a weight that is off by one step is detected.
    values[40] += 1.0f;
    exporting::roundToBlocks(dtype, values.data(), count, found.data(), "golden");
    QVERIFY(found != expected);
  }

  void refusesWhatBlocksCannotHold() {
    std::vector<float> values(32, 0.5f);
    std::vector<std::byte> out(34);
    for (const DType type : {DType::Q4_0, DType::Q4_1, DType::Q8_0}) {
      for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity(), 1e38f}) {
        values[9] = bad;
        try {
          exporting::roundToBlocks(type, values.data(), 32, out.data(), "blk.0.ffn_up");
          QFAIL("expected an error");
        } catch (const base::Error& error) {
          QVERIFY(error.code() == base::ErrorCode::Numerical);
          QVERIFY(QString::fromUtf8(error.what()).contains(QStringLiteral("blk.0.ffn_up")));
        }
      }
    }
  }

  void tinyValuesBecomeZero() {
    const std::vector<float> values(32, 1e-40f);
    for (const DType type : {DType::Q4_0, DType::Q4_1, DType::Q8_0}) {
      std::vector<std::byte> out(static_cast<size_t>(tensor::blockBytes(type)));
      exporting::roundToBlocks(type, values.data(), 32, out.data(), "tiny");
      const tensor::Matrix back = tensor::toMatrix({type, {1, 32}, out, nullptr});
      QVERIFY(back.isZero(0));
    }
  }

  void carriesCodesExactly_data() {
    QTest::addColumn<int>("bits");
    QTest::addColumn<bool>("symmetric");
    QTest::addColumn<int>("type");
    for (int bits = 2; bits <= 4; ++bits) {
      QTest::addRow("%d-bit symmetric Q4_0", bits) << bits << true << static_cast<int>(DType::Q4_0);
      QTest::addRow("%d-bit symmetric Q4_1", bits) << bits << true << static_cast<int>(DType::Q4_1);
    }
    for (int bits = 2; bits <= 8; ++bits)
      QTest::addRow("%d-bit symmetric Q8_0", bits) << bits << true << static_cast<int>(DType::Q8_0);
    for (int bits = 2; bits <= 7; ++bits)
      QTest::addRow("%d-bit asymmetric Q8_0", bits) << bits << false << static_cast<int>(DType::Q8_0);
  }
  void carriesCodesExactly() {
    QFETCH(int, bits);
    QFETCH(bool, symmetric);
    QFETCH(int, type);
    tensor::QuantizedTensor q = randomGrid(bits, symmetric);
    QVERIFY(exporting::fitsBlocks(q, static_cast<DType>(type)));
    QVERIFY(carried(q, static_cast<DType>(type)) == q.dequantize());
    const tensor::Matrix before = q.dequantize();
    q.codes[5] ^= 1;
    QVERIFY(carried(q, static_cast<DType>(type)) != before);
  }

  void carriesOffsetsNearly() {
    const tensor::QuantizedTensor q = randomGrid(4, false);
    QVERIFY(exporting::fitsBlocks(q, DType::Q4_1));
    const tensor::Matrix expected = q.dequantize(), found = carried(q, DType::Q4_1);
    for (int64_t o = 0; o < q.outFeatures; ++o) {
      for (int64_t i = 0; i < q.inFeatures; ++i) {
        const int64_t g = i / q.groupSize;
        const float minimum =
            q.scales(o, g) * static_cast<float>(q.zeroPoints[static_cast<size_t>(o * 2 + g)]);
        QVERIFY(std::fabs(expected(o, i) - found(o, i)) <= minimum * 0x1p-11f + 1e-6f);
      }
    }
  }

  void knowsWhatDoesNotFit() {
    QVERIFY(!exporting::fitsBlocks(randomGrid(4, false), DType::Q4_0));
    QVERIFY(!exporting::fitsBlocks(randomGrid(5, true), DType::Q4_0));
    QVERIFY(!exporting::fitsBlocks(randomGrid(5, false), DType::Q4_1));
    QVERIFY(!exporting::fitsBlocks(randomGrid(8, false), DType::Q8_0));
    tensor::QuantizedTensor q = randomGrid(4, true);
    q.groupIndex.assign(64, 0);
    QVERIFY(!exporting::fitsBlocks(q, DType::Q4_0));
    q.groupIndex.clear();
    q.groupSize = 48; // not a multiple of the block size
    QVERIFY(!exporting::fitsBlocks(q, DType::Q4_0));
  }

  void rotaryOrderInterleavesTheHalves() {
    std::vector<int64_t> order;
    for (int64_t row = 0; row < 16; ++row)
      order.push_back(exporting::RowOrder{exporting::RowOrder::Kind::Rotary, 8, 2}.source(row));
    QCOMPARE(order, (std::vector<int64_t>{0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15}));
  }
};

NIB_TEST(GgufBlocksTest)
#include "gguf_blocks_test.moc"
