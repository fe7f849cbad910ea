// SPDX-License-Identifier: Apache-2.0
#include "nib_test.hpp"
#include "tensor/half.hpp"

#include <QtTest>

#include <Eigen/Core>

#include <cmath>
#include <random>
#include <vector>

using namespace nibblesmith::tensor;

namespace {

float eigenHalf(uint16_t bits) { return static_cast<float>(Eigen::numext::bit_cast<Eigen::half>(bits)); }
uint16_t eigenHalf(float value) { return Eigen::numext::bit_cast<uint16_t>(Eigen::half(value)); }
uint16_t eigenBf16(float value) { return Eigen::numext::bit_cast<uint16_t>(Eigen::bfloat16(value)); }

bool same(float a, float b) {
  return std::isnan(a) ? std::isnan(b) : std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b);
}

/// Returns every finite f16 value, the midpoint to the next one with its f32 neighbours, special values and
/// random bits.
std::vector<float> interestingValues() {
  std::vector<float> values = {0.0f, -0.0f, INFINITY, -INFINITY, NAN, 65504.0f, 65519.99f, 65520.0f, 1e30f};
  for (int bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const float value = eigenHalf(half);
    if (!std::isfinite(value))
      continue;
    const float next = eigenHalf(static_cast<uint16_t>(half + 1));
    const float middle = 0.5f * (value + next);
    for (const float v : {value, middle, std::nextafter(middle, 1e9f), std::nextafter(middle, -1e9f)})
      values.push_back(v);
  }
  std::mt19937 random(5);
  for (int i = 0; i < 200000; ++i)
    values.push_back(std::bit_cast<float>(static_cast<uint32_t>(random())));
  return values;
}

} // namespace

class HalfTest : public QObject {
  Q_OBJECT

private slots:
  void everyHalfValue() {
    std::vector<uint16_t> bits(65536);
    for (size_t i = 0; i < bits.size(); ++i)
      bits[i] = static_cast<uint16_t>(i);
    std::vector<float> many(bits.size());
    f16ToF32(bits.data(), many.data(), static_cast<int64_t>(bits.size()));
    for (size_t i = 0; i < bits.size(); ++i) {
      QVERIFY2(same(f16ToF32(bits[i]), eigenHalf(bits[i])), std::to_string(i).c_str());
      QVERIFY2(same(many[i], eigenHalf(bits[i])), std::to_string(i).c_str());
      if (!std::isnan(many[i]))
        QCOMPARE(f32ToF16(many[i]), bits[i]);
    }
    bf16ToF32(bits.data(), many.data(), static_cast<int64_t>(bits.size()));
    for (size_t i = 0; i < bits.size(); ++i)
      QVERIFY(same(many[i], bf16ToF32(bits[i])));
  }

  void roundsAsEigenDoes() {
    const std::vector<float> values = interestingValues();
    std::vector<uint16_t> many(values.size());
    f32ToF16(values.data(), many.data(), static_cast<int64_t>(values.size()));
    std::vector<uint16_t> manyBf16(values.size());
    f32ToBf16(values.data(), manyBf16.data(), static_cast<int64_t>(values.size()));
    for (size_t i = 0; i < values.size(); ++i) {
      if (std::isnan(values[i])) {
        QVERIFY(std::isnan(f16ToF32(many[i])) && std::isnan(bf16ToF32(f32ToBf16(values[i]))) &&
                std::isnan(bf16ToF32(manyBf16[i])));
        continue;
      }
      QCOMPARE(f32ToF16(values[i]), eigenHalf(values[i]));
      QCOMPARE(many[i], eigenHalf(values[i]));
      QCOMPARE(f32ToBf16(values[i]), eigenBf16(values[i]));
      QCOMPARE(manyBf16[i], eigenBf16(values[i]));
    }
  }

  void tiesGoToEven() {
    QCOMPARE(f32ToF16(1.0f + 0x1p-11f), f32ToF16(1.0f));
    QCOMPARE(f32ToF16(1.0f + 3 * 0x1p-11f), f32ToF16(1.0f + 0x1p-9f));
    QCOMPARE(f32ToBf16(1.0f + 0x1p-8f), f32ToBf16(1.0f));
    QCOMPARE(f32ToBf16(1.0f + 3 * 0x1p-8f), f32ToBf16(1.0f + 0x1p-6f));
    // Negative control: truncation instead of rounding would give the same value.
    QVERIFY(f32ToF16(1.0f + 3 * 0x1p-11f) != f32ToF16(1.0f + 0x1p-10f));
    QCOMPARE(roundToF16(0.1f), 0.0999755859375f);
  }
};

NIB_TEST(HalfTest)
#include "half_test.moc"
