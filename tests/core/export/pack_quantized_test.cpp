// SPDX-License-Identifier: Apache-2.0
#include "export/pack_quantized.hpp"

#include "base/json.hpp"
#include "nib_test.hpp"
#include "tensor/half.hpp"
#include "test_data.hpp"

#include <QtTest>

#include <cstring>

using namespace nibblesmith;

namespace {

template <typename T>
std::vector<T> valuesOf(const std::vector<std::byte>& bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

tensor::QuantizedTensor goldenTensor(const base::Json& golden, const base::Json& one) {
  tensor::QuantizedTensor q;
  q.outFeatures = golden.at("rows");
  q.inFeatures = golden.at("cols");
  q.bits = one.at("bits");
  q.groupSize = (q.inFeatures + 2) / 3;
  q.symmetric = false;
  q.codes = one.at("codes").get<std::vector<uint8_t>>();
  q.zeroPoints = one.at("zeroPoints").get<std::vector<uint8_t>>();
  q.scales = tensor::Matrix::Constant(q.outFeatures, q.groups(), 0.5f);
  return q;
}

} // namespace

class PackQuantizedTest : public QObject {
  Q_OBJECT

private slots:
  void equalsCompressedTensors() {
    const base::Json golden = base::readJsonFile(test::projectFile("tests/golden/export/packed.json"));
    QCOMPARE(golden.at("cases").size(), size_t{7});
    for (const base::Json& one : golden.at("cases")) {
      tensor::QuantizedTensor q = goldenTensor(golden, one);
      QCOMPARE(valuesOf<int32_t>(exporting::packCodes(q)), one.at("packed").get<std::vector<int32_t>>());
      QCOMPARE(valuesOf<int32_t>(exporting::packZeroPoints(q)),
               one.at("packedZeroPoints").get<std::vector<int32_t>>());
      // Negative control: one changed code changes one word.
      q.codes[7] ^= 1;
      QVERIFY(valuesOf<int32_t>(exporting::packCodes(q)) != one.at("packed").get<std::vector<int32_t>>());
    }
  }

  void scalesAreHalves() {
    tensor::QuantizedTensor q;
    q.outFeatures = 1;
    q.inFeatures = 64;
    q.groupSize = 32;
    q.scales.resize(1, 2);
    q.scales << 0.5f, 0.0009765625f;
    const auto halves = valuesOf<uint16_t>(exporting::packScales(q));
    QCOMPARE(halves, (std::vector<uint16_t>{0x3800, 0x1400}));
  }

  void equalGroupsKeepEveryValue() {
    tensor::QuantizedTensor q;
    q.outFeatures = 3;
    q.inFeatures = 192;
    q.groupSize = 128;
    q.symmetric = false;
    q.codes.resize(3 * 192);
    for (size_t i = 0; i < q.codes.size(); ++i)
      q.codes[i] = static_cast<uint8_t>(i * 7 % 16);
    q.scales.resize(3, 2);
    q.scales << 1, 2, 3, 4, 5, 6;
    q.zeroPoints = {1, 2, 3, 4, 5, 6};
    const tensor::QuantizedTensor equal = exporting::withEqualGroups(q);
    QCOMPARE(equal.groupSize, int64_t{64});
    equal.validate("equal");
    QVERIFY(equal.dequantize() == q.dequantize());

    tensor::QuantizedTensor odd = q;
    odd.inFeatures = 190;
    odd.codes.resize(3 * 190);
    QCOMPARE(exporting::withEqualGroups(odd).groupSize, int64_t{128}); // gcd 2: too small for separate scales
    odd.groupSize = 190;
    odd.scales = q.scales.leftCols(1);
    odd.zeroPoints.resize(3);
    QCOMPARE(exporting::withEqualGroups(odd).groupSize, int64_t{190});
  }
};

NIB_TEST(PackQuantizedTest)
#include "pack_quantized_test.moc"
