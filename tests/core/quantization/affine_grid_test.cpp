// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "nib_test.hpp"
#include "quantization/grid.hpp"
#include "tensor/half.hpp"

#include <QTest>

#include <cmath>
#include <limits>
#include <random>

using namespace nibblesmith;
using quantization::GroupParameters;

namespace {

std::unique_ptr<quantization::Grid> grid(int bits, bool symmetric, const char* search = "minmax") {
  return quantization::makeGrid("affine",
                                {{"bits", bits}, {"symmetric", symmetric}, {"scaleSearch", search}});
}

std::vector<float> randomGroup(size_t size, uint32_t seed) {
  std::mt19937 generator(seed);
  std::vector<float> values(size);
  for (float& v : values)
    v = (static_cast<float>(generator() % 20001) / 10000.0f - 1.0f) * 0.3f;
  return values;
}

double squaredError(const quantization::Grid& g, const GroupParameters& p, const std::vector<float>& w,
                    const std::vector<float>& importance = {}) {
  double sum = 0;
  for (size_t i = 0; i < w.size(); ++i) {
    const double error = static_cast<double>(g.decode(g.encode(w[i], p), p) - w[i]);
    sum += (importance.empty() ? 1.0 : static_cast<double>(importance[i])) * error * error;
  }
  return sum;
}

} // namespace

class AffineGridTest : public QObject {
  Q_OBJECT
private slots:
  void symmetricScale();
  void asymmetricRange();
  void codesRoundHalfToEven();
  void manyAreLikeOne();
  void scalesAreHalves();
  void edgeGroups();
  void searchLowersTheError();
  void importanceCounts();
  void overflowIsDetected();
  void wrongParametersAreNamed();
};

void AffineGridTest::symmetricScale() {
  const std::vector<float> w = {0.5f, -1.5f, 0.25f};
  for (int bits = 2; bits <= 8; ++bits) {
    const auto p = grid(bits, true)->fit(w, {});
    const float top = static_cast<float>((1 << bits) - 1);
    QCOMPARE(p.scale, tensor::roundToF16(3.0f / top));
    QCOMPARE(p.zeroPoint, static_cast<float>(1 << (bits - 1)));
    QCOMPARE(grid(bits, true)->encode(0.0f, p), static_cast<uint8_t>(1 << (bits - 1)));
    QCOMPARE(grid(bits, true)->encode(-100.0f, p), uint8_t{0});
    QCOMPARE(grid(bits, true)->encode(100.0f, p), static_cast<uint8_t>(top));
  }
}

void AffineGridTest::asymmetricRange() {
  const auto g = grid(4, false);
  const auto p = g->fit(std::vector<float>{-0.3f, 0.9f, 1.2f}, {});
  QCOMPARE(p.scale, tensor::roundToF16(1.5f / 15.0f));
  QCOMPARE(p.zeroPoint, 3.0f);
  // A range on one side of zero is extended to contain zero, which stays exact.
  const auto above = g->fit(std::vector<float>{0.5f, 3.0f}, {});
  QCOMPARE(above.zeroPoint, 0.0f);
  QCOMPARE(above.scale, tensor::roundToF16(0.2f));
  const auto below = g->fit(std::vector<float>{-3.0f, -0.5f}, {});
  QCOMPARE(below.zeroPoint, 15.0f);
  for (const auto& q : {p, above, below})
    QCOMPARE(g->decode(g->encode(0.0f, q), q), 0.0f);
}

void AffineGridTest::codesRoundHalfToEven() {
  const auto g = grid(8, true);
  const GroupParameters p{0.5f, 128.0f, {}};
  const std::vector<std::pair<float, int>> expected = {{0.25f, 128},  {0.75f, 130},  {1.25f, 130},
                                                       {-0.25f, 128}, {-0.75f, 126}, {0.26f, 129},
                                                       {-0.26f, 127}, {31.75f, 192}};
  for (const auto& [weight, code] : expected)
    QCOMPARE(static_cast<int>(g->encode(weight, p)), code);
}

void AffineGridTest::manyAreLikeOne() {
  for (const bool symmetric : {true, false})
    for (int bits = 2; bits <= 8; ++bits) {
      const auto g = grid(bits, symmetric);
      const auto w = randomGroup(133, 5);
      const auto p = g->fit(w, {});
      const std::vector<float> scales(w.size(), p.scale);
      const std::vector<float> zeros(w.size(), p.zeroPoint);
      std::vector<uint8_t> codes(w.size());
      std::vector<float> values(w.size());
      g->roundMany(w.data(), {scales.data(), zeros.data(), nullptr}, static_cast<int64_t>(w.size()),
                   codes.data(), values.data());
      for (size_t i = 0; i < w.size(); ++i) {
        QCOMPARE(codes[i], g->encode(w[i], p));
        QCOMPARE(values[i], g->decode(codes[i], p));
        // Reference from the definition, in f64.
        const double code = std::nearbyint(static_cast<double>(w[i]) / static_cast<double>(p.scale)) +
                            static_cast<double>(p.zeroPoint);
        QCOMPARE(static_cast<double>(codes[i]), std::clamp(code, 0.0, static_cast<double>((1 << bits) - 1)));
      }
    }
}

void AffineGridTest::scalesAreHalves() {
  for (uint32_t seed = 0; seed < 50; ++seed) {
    auto w = randomGroup(32, seed);
    for (float& v : w)
      v *= std::pow(10.0f, static_cast<float>(seed % 10) - 7.0f);
    for (const bool symmetric : {true, false}) {
      const float scale = grid(3, symmetric)->fit(w, {}).scale;
      QVERIFY(scale > 0.0f);
      QCOMPARE(scale, tensor::roundToF16(scale));
    }
  }
}

void AffineGridTest::edgeGroups() {
  for (const bool symmetric : {true, false})
    for (const char* search : {"minmax", "mse"})
      for (int bits = 2; bits <= 8; ++bits) {
        const auto g = grid(bits, symmetric, search);
        const auto check = [&](const std::vector<float>& w, float steps) {
          const auto p = g->fit(w, {});
          QVERIFY(p.scale > 0.0f && std::isfinite(p.scale));
          for (const float v : w)
            QVERIFY(std::abs(g->decode(g->encode(v, p), p) - v) <= steps * p.scale);
        };
        check({0.0f, 0.0f, -0.0f}, 0.0f);
        check({0.7f}, 0.6f);
        check(std::vector<float>(20, -0.7f), 0.6f);
        check({1e-30f, -1e-30f}, 1e-6f);
        check({std::numeric_limits<float>::denorm_min()}, 1e-6f);
        if (std::string(search) == "minmax")
          check({1e-3f, 5e-3f, -100.0f, 2e-3f}, 0.6f);
      }
}

void AffineGridTest::searchLowersTheError() {
  for (const bool symmetric : {true, false}) {
    auto w = randomGroup(64, 8);
    w[10] = 0.9f;
    const auto full = grid(3, symmetric);
    const auto searched = grid(3, symmetric, "mse");
    const double before = squaredError(*full, full->fit(w, {}), w);
    const double after = squaredError(*searched, searched->fit(w, {}), w);
    QVERIFY2(after < 0.9 * before, qPrintable(QStringLiteral("%1 %2").arg(before).arg(after)));
    // No candidate of the searched family is better.
    const auto best = searched->fit(w, {});
    QVERIFY(squaredError(*searched, {best.scale * 1.2f, best.zeroPoint}, w) > after);
    QVERIFY(squaredError(*searched, {best.scale * 0.8f, best.zeroPoint}, w) > after);
  }
}

void AffineGridTest::importanceCounts() {
  auto w = randomGroup(64, 9);
  w[10] = 1.5f;
  std::vector<float> importance(64, 1.0f);
  const auto g = grid(3, true, "mse");
  const auto plain = g->fit(w, importance);
  QCOMPARE(plain.scale, g->fit(w, {}).scale);
  importance[10] = 1e6f;
  const auto weighed = g->fit(w, importance);
  QVERIFY(weighed.scale > plain.scale);
  QVERIFY(squaredError(*g, weighed, w, importance) < squaredError(*g, plain, w, importance));
  QCOMPARE(grid(3, true)->fit(w, importance).scale, grid(3, true)->fit(w, {}).scale);
}

void AffineGridTest::overflowIsDetected() {
  for (const bool symmetric : {true, false})
    for (const float huge : {2e6f, 1e38f, 3e38f})
      QVERIFY(std::isinf(grid(4, symmetric)->fit(std::vector<float>{huge, -huge}, {}).scale));
  QVERIFY(std::isfinite(grid(4, true)->fit(std::vector<float>{4e5f}, {}).scale));
}

void AffineGridTest::wrongParametersAreNamed() {
  const auto messageOf = [](const std::string& use, const base::Json& parameters) -> std::string {
    try {
      quantization::makeGrid(use, parameters);
    } catch (const base::Error& error) {
      return error.what();
    }
    return "no error";
  };
  QCOMPARE(messageOf("affine", base::Json::object()), std::string("no error"));
  QCOMPARE(messageOf("affine", {{"bits", 9}}),
           std::string("affine: 'bits': expected an integer from 2 to 8, found 9"));
  QVERIFY(messageOf("affine", {{"groupsize", 64}}).find("'groupsize'") != std::string::npos);
  QCOMPARE(messageOf("nf5", base::Json::object()),
           std::string("grid: expected one of affine, nf4, fp4, log, learned, found \"nf5\""));
  QCOMPARE(quantization::makeGrid("affine", {{"granularity", "channel"}})->groupSize(), int64_t{0});
  QCOMPARE(quantization::makeGrid("affine", base::Json::object())->groupSize(), int64_t{128});
}

NIB_TEST(AffineGridTest)
#include "affine_grid_test.moc"
