// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/json.hpp"
#include "nib_test.hpp"
#include "quantization/learned_grid.hpp"
#include "quantization/rounding.hpp"
#include "quantization_cases.hpp"
#include "tensor/code_books.hpp"
#include "tensor/half.hpp"
#include "test_data.hpp"

#include <QTest>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

using namespace nibblesmith;
using base::Json;
using quantization::Grid;
using quantization::GroupParameters;
using tensor::Matrix;

namespace {

const Json& golden(const char* name) {
  static std::map<std::string, Json> files;
  auto& file = files[name];
  if (file.is_null())
    file = base::readJsonFile(test::projectFile("tests/golden/quantization") / name);
  return file;
}

std::vector<float> floatsOf(const Json& bits) {
  std::vector<float> values;
  for (const Json& entry : bits)
    values.push_back(std::bit_cast<float>(entry.get<uint32_t>()));
  return values;
}

std::vector<uint8_t> bytesOf(const std::string& hex) {
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<uint8_t>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return bytes;
}

/// Returns the weights of make_bitsandbytes.py.
Matrix bitsandbytesWeights(const Json& c) {
  Matrix W = test::makeWeights(c["rows"], c["cols"], c["seed"].get<uint64_t>());
  for (int64_t r = 0; r < W.rows(); ++r)
    W.row(r) *= static_cast<float>(1 + r % 7) / 8.0f;
  if (c["edges"].get<bool>()) {
    W.row(0).head(c["blockSize"].get<int64_t>()).setZero();
    W.row(1).setConstant(-0.3f);
    W(2, 5) = 500.0f;
  }
  return W.unaryExpr([](float w) { return tensor::roundToF16(w); });
}

tensor::QuantizedTensor roundNearest(const Matrix& W, const Grid& grid,
                                     std::span<const float> importance = {}) {
  auto q = quantization::emptyTensor(grid, W.rows(), W.cols());
  std::vector<float> values(static_cast<size_t>(W.cols()));
  for (int64_t r = 0; r < W.rows(); ++r)
    quantization::roundRowToNearest(W.row(r).data(), grid, importance, "w", r, q, values.data());
  quantization::finishTensor(grid, q);
  return q;
}

std::string halvesHash(const Matrix& W) {
  std::vector<uint16_t> halves(static_cast<size_t>(W.size()));
  tensor::f32ToF16(W.data(), halves.data(), W.size());
  return base::Sha256().update(std::as_bytes(std::span(halves))).hexDigest();
}

Matrix normalWeights(int64_t rows, int64_t cols, uint32_t seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0.0f, 0.05f);
  Matrix W(rows, cols);
  for (int64_t i = 0; i < W.size(); ++i)
    W.data()[i] = normal(generator);
  return W;
}

/// Returns all grids with code books, with small groups.
std::vector<std::pair<std::string, Json>> someGrids() {
  return {{"nf4", {{"groupSize", 32}}},
          {"nf4", {{"groupSize", 32}, {"doubleQuant", true}}},
          {"nf4", {{"groupSize", 32}, {"scaleSearch", "mse"}}},
          {"fp4", {{"groupSize", 64}}},
          {"log", {{"bits", 3}, {"groupSize", 32}}},
          {"log", {{"bits", 5}, {"base", "sqrt2"}, {"granularity", "channel"}}},
          {"log", {{"bits", 4}, {"powerOfTwoScale", true}, {"scaleSearch", "mse"}}},
          {"learned", {{"bits", 2}, {"granularity", "group"}, {"groupSize", 32}}},
          {"learned", {{"bits", 4}}}};
}

} // namespace

class CodeBookGridsTest : public QObject {
  Q_OBJECT
private slots:
  void booksAreThoseOfBitsandbytes();
  void agreesWithBitsandbytes_data();
  void agreesWithBitsandbytes();
  void clustersAreTheBestOnes();
  void logGridMatchesTheReference();
  void manyAreLikeOne();
  void weightsTakeTheNearestValue();
  void edges();
  void searchLowersTheError();
  void importanceMovesTheBook();
  void powersOfTwo();
  void overflowIsNamed();
  void descriptionsOfGridAndTensorAgree();
  void wrongParametersAreNamed();
};

void CodeBookGridsTest::booksAreThoseOfBitsandbytes() {
  const Json& json = golden("bitsandbytes.json");
  QVERIFY(std::ranges::equal(tensor::nf4Book(), floatsOf(json["nf4Bits"])));
  QVERIFY(std::ranges::equal(tensor::fp4Book(), floatsOf(json["fp4Bits"])));
  const auto map = floatsOf(json["dynamicMapBits"]);
  QCOMPARE(map.size(), size_t{256});
  for (size_t i = 0; i < map.size(); ++i)
    QCOMPARE(std::bit_cast<uint32_t>(tensor::dynamicMap()[i]), std::bit_cast<uint32_t>(map[i]));
  QCOMPARE(tensor::codeBookName(tensor::nf4Book()), std::string("NF4"));
  QCOMPARE(tensor::codeBookName(tensor::logBook(5, true)), std::string("log sqrt(2) 5-bit"));
  QCOMPARE(tensor::codeBookName(std::vector<float>{0, 1, 2, 3}), std::string());
}

void CodeBookGridsTest::agreesWithBitsandbytes_data() {
  QTest::addColumn<int>("index");
  const Json& cases = golden("bitsandbytes.json")["cases"];
  for (size_t i = 0; i < cases.size(); ++i)
    QTest::addRow("%s %d%s%s", cases[i]["type"].get<std::string>().c_str(), cases[i]["blockSize"].get<int>(),
                  cases[i]["double"].get<bool>() ? " double" : "",
                  cases[i]["edges"].get<bool>() ? " edges" : "")
        << static_cast<int>(i);
}

void CodeBookGridsTest::agreesWithBitsandbytes() {
  QFETCH(int, index);
  const Json& c = golden("bitsandbytes.json")["cases"][static_cast<size_t>(index)];
  const Matrix W = bitsandbytesWeights(c);
  const auto grid =
      quantization::makeGrid(c["type"], {{"groupSize", c["blockSize"]}, {"doubleQuant", c["double"]}});
  const auto q = roundNearest(W, *grid);
  q.validate("w");
  const auto packed = bytesOf(c["packed"]);
  QCOMPARE(packed.size() * 2, q.codes.size());
  for (size_t i = 0; i < q.codes.size(); ++i)
    QCOMPARE(static_cast<int>(q.codes[i]), i % 2 == 0 ? packed[i / 2] >> 4 : packed[i / 2] & 15);
  if (c["double"].get<bool>()) {
    QVERIFY(q.nestedScales.has_value());
    QCOMPARE(q.nestedScales->codes, bytesOf(c["absmaxCodes"]));
    // torch does not specify the order of the additions in a mean.
    const float offset = std::bit_cast<float>(c["offsetBits"].get<uint32_t>());
    QVERIFY(std::abs(q.nestedScales->offset - offset) <= 1e-6f * std::abs(offset));
    const auto absmax = floatsOf(c["nestedAbsmaxBits"]);
    QCOMPARE(static_cast<size_t>(q.nestedScales->absmax.size()), absmax.size());
    for (size_t i = 0; i < absmax.size(); ++i)
      QVERIFY(std::abs(q.nestedScales->absmax[static_cast<int64_t>(i)] - absmax[i]) <=
              1e-6f * (absmax[i] + offset));
    // With bitsandbytes' own mean, the values are bit-identical.
    auto theirs = q;
    theirs.nestedScales->offset = offset;
    for (size_t i = 0; i < absmax.size(); ++i)
      theirs.nestedScales->absmax[static_cast<int64_t>(i)] = absmax[i];
    for (int64_t i = 0; i < theirs.scales.size(); ++i)
      theirs.scales.data()[i] = theirs.nestedScales->scale(i);
    QCOMPARE(halvesHash(theirs.dequantize()), c["valuesSha256"].get<std::string>());
    theirs.scales.data()[1] *= 1.01f;
    QVERIFY(halvesHash(theirs.dequantize()) != c["valuesSha256"].get<std::string>());
  } else {
    QVERIFY(std::ranges::equal(std::span(q.scales.data(), static_cast<size_t>(q.scales.size())),
                               floatsOf(c["absmaxBits"])));
    QCOMPARE(halvesHash(q.dequantize()), c["valuesSha256"].get<std::string>());
    auto wrong = q;
    wrong.codeBooks(0, 3) += 0.01f;
    QVERIFY(halvesHash(wrong.dequantize()) != c["valuesSha256"].get<std::string>());
  }
}

void CodeBookGridsTest::clustersAreTheBestOnes() {
  for (const Json& c : golden("code_books.json")["clusterings"]) {
    const auto values = c["values"].get<std::vector<float>>();
    const auto weights = c["weights"].get<std::vector<float>>();
    const auto expected = c["centers"].get<std::vector<double>>();
    const auto found = quantization::weightedKMeans(values, weights, c["clusters"]);
    QCOMPARE(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i)
      QVERIFY2(std::abs(static_cast<double>(found[i]) - expected[i]) < 1e-6, qPrintable(QString::number(i)));
    const auto costOf = [&](const std::vector<float>& centers) {
      double cost = 0;
      for (size_t i = 0; i < values.size(); ++i) {
        double least = std::numeric_limits<double>::infinity();
        for (const float center : centers)
          least =
              std::min(least, std::pow(static_cast<double>(values[i]) - static_cast<double>(center), 2.0));
        cost += (weights.empty() ? 1.0 : static_cast<double>(weights[i])) * least;
      }
      return cost;
    };
    const double best = c["cost"];
    QVERIFY(std::abs(costOf(found) - best) <= 1e-5 * best + 1e-12);
    // Moving any center increases the cost.
    for (size_t i = 0; i < found.size(); ++i) {
      auto moved = found;
      moved[i] += 0.01f;
      QVERIFY(costOf(moved) > costOf(found));
    }
  }
  // Importance 0 everywhere means equal weights; importance 0 for some values ignores them.
  const std::vector<float> values = {1, 2, 3, 10, 11};
  QCOMPARE(quantization::weightedKMeans(values, std::vector<float>(5, 0.0f), 2),
           (std::vector<float>{2.0f, 10.5f}));
  QCOMPARE(quantization::weightedKMeans(values, std::vector<float>{0, 1, 0, 0, 1}, 2),
           (std::vector<float>{2.0f, 11.0f}));
}

void CodeBookGridsTest::logGridMatchesTheReference() {
  for (const Json& c : golden("code_books.json")["logs"]) {
    const auto values = c["values"].get<std::vector<float>>();
    const auto expected = c["nearest"].get<std::vector<float>>();
    const auto grid = quantization::makeGrid("log", {{"bits", c["bits"]}, {"base", c["base"]}});
    const auto group = grid->fit(values, {});
    for (size_t i = 0; i < values.size(); ++i) {
      const float found = grid->decode(grid->encode(values[i], group), group);
      QVERIFY2(std::abs(found - expected[i]) <= 1e-3f * std::abs(expected[i]),
               qPrintable(QString::number(found)));
    }
  }
}

void CodeBookGridsTest::manyAreLikeOne() {
  for (const auto& [use, parameters] : someGrids()) {
    const auto grid = quantization::makeGrid(use, parameters);
    const Matrix W = normalWeights(1, 150, 3);
    const std::span<const float> weights(W.data(), 150);
    const GroupParameters group = grid->fit(weights, {});
    std::vector<uint8_t> codes(150);
    std::vector<float> values(150);
    grid->roundGroup(W.data(), group, 150, codes.data(), values.data());
    for (size_t i = 0; i < 150; ++i) {
      QCOMPARE(codes[i], grid->encode(weights[i], group));
      QCOMPARE(values[i], grid->decode(codes[i], group));
      QCOMPARE(values[i], tensor::roundToF16(values[i]));
    }
  }
}

void CodeBookGridsTest::weightsTakeTheNearestValue() {
  for (const auto& [use, parameters] : someGrids()) {
    const auto grid = quantization::makeGrid(use, parameters);
    const Matrix W = normalWeights(1, 100, 4);
    const GroupParameters group = grid->fit({W.data(), 100}, {});
    for (int64_t i = 0; i < W.size(); ++i) {
      const float w = W.data()[i];
      const float error = std::abs(grid->decode(grid->encode(w, group), group) - w);
      for (int code = 0; code < 1 << grid->bits(); ++code)
        // The values are rounded to f16 after they are chosen.
        QVERIFY(error <= std::abs(grid->decode(static_cast<uint8_t>(code), group) - w) + 1e-3f * std::abs(w));
    }
  }
}

void CodeBookGridsTest::edges() {
  for (const auto& [use, parameters] : someGrids()) {
    const auto grid = quantization::makeGrid(use, parameters);
    const auto rounded = [&](const Matrix& W) {
      const auto q = roundNearest(W, *grid);
      q.validate("w");
      const Matrix Q = q.dequantize();
      for (int64_t i = 0; i < Q.size(); ++i)
        if (!std::isfinite(Q.data()[i]) || Q.data()[i] != tensor::roundToF16(Q.data()[i]))
          qFatal("not an f16 value");
      return Q;
    };
    QVERIFY(rounded(Matrix::Zero(3, 70)).isZero());
    Matrix W = normalWeights(3, 70, 5);
    W(1, 40) = 300.0f;
    const Matrix outlier = rounded(W);
    QVERIFY(std::abs(outlier(1, 40) - 300.0f) <= (parameters.value("powerOfTwoScale", false) ? 90.0f : 3.0f));
    const Matrix constant = rounded(Matrix::Constant(3, 70, -0.3f));
    QVERIFY((constant.array() + 0.3f).abs().maxCoeff() <=
            (parameters.value("powerOfTwoScale", false) ? 0.1f : 2e-2f));
    const Matrix column = rounded(normalWeights(5, 1, 6));
    QCOMPARE(column.rows(), int64_t{5});
    const Matrix tail = rounded(normalWeights(2, 33, 7));
    QVERIFY((tail - normalWeights(2, 33, 7)).cwiseAbs().maxCoeff() < 0.15f);
    rounded(normalWeights(2, 40, 8) * 1e-30f);
  }
}

void CodeBookGridsTest::searchLowersTheError() {
  const Matrix W = normalWeights(1, 128, 9);
  std::vector<float> importance(128, 1.0f);
  importance[3] = 100.0f;
  for (const std::string use : {"nf4", "fp4", "log"}) {
    const auto errorOf = [&](const Json& parameters) {
      const auto grid = quantization::makeGrid(use, parameters);
      const auto group = grid->fit({W.data(), 128}, importance);
      double sum = 0;
      for (size_t i = 0; i < 128; ++i)
        sum +=
            static_cast<double>(importance[i]) *
            std::pow(static_cast<double>(grid->decode(grid->encode(W.data()[i], group), group) - W.data()[i]),
                     2.0);
      return sum;
    };
    QVERIFY(errorOf({{"scaleSearch", "mse"}}) < errorOf({{"scaleSearch", "absmax"}}));
  }
}

void CodeBookGridsTest::importanceMovesTheBook() {
  const Matrix W = normalWeights(1, 128, 10);
  std::vector<float> importance(128, 1.0f);
  importance[17] = 1e6f;
  const auto grid = quantization::makeGrid("learned", {{"bits", 2}});
  const auto errorAt17 = [&](std::span<const float> weighed) {
    const auto group = grid->fit({W.data(), 128}, weighed);
    return std::abs(grid->decode(grid->encode(W.data()[17], group), group) - W.data()[17]);
  };
  QVERIFY(errorAt17(importance) < 1e-4f);
  QVERIFY(errorAt17({}) > 1e-4f);
}

void CodeBookGridsTest::powersOfTwo() {
  const auto grid = quantization::makeGrid("log", {{"bits", 4}, {"powerOfTwoScale", true}});
  const Matrix W = normalWeights(1, 64, 11);
  const auto group = grid->fit({W.data(), 64}, {});
  int exponent = 0;
  QCOMPARE(std::frexp(group.scale, &exponent), 0.5f);
  for (int64_t i = 0; i < W.size(); ++i)
    if (const float value = grid->decode(grid->encode(W.data()[i], group), group); value != 0)
      QCOMPARE(std::abs(std::frexp(value, &exponent)), 0.5f);
}

void CodeBookGridsTest::overflowIsNamed() {
  for (const auto& [use, parameters] : someGrids()) {
    const auto grid = quantization::makeGrid(use, parameters);
    Matrix W = normalWeights(2, 64, 12);
    W(1, 40) = 1e6f;
    try {
      roundNearest(W, *grid);
      QFAIL("expected an error");
    } catch (const base::Error& error) {
      QVERIFY(error.code() == base::ErrorCode::Numerical);
      QVERIFY2(std::string(error.what()).find("'w': row 1") != std::string::npos, error.what());
    }
    W(1, 40) = 60000.0f;
    roundNearest(W, *grid).validate("w");
  }
}

void CodeBookGridsTest::descriptionsOfGridAndTensorAgree() {
  const std::vector<std::string> expected = {
      "NF4 group 32",        "NF4 group 32, 8-bit scales", "NF4 group 32",
      "FP4 group 64",        "log 3-bit group 32",         "log sqrt(2) 5-bit per channel",
      "log 4-bit group 128", "learned 2-bit group 32",     "learned 4-bit per channel"};
  size_t i = 0;
  for (const auto& [use, parameters] : someGrids()) {
    const auto grid = quantization::makeGrid(use, parameters);
    QCOMPARE(quantization::describeGrid(*grid), expected[i++]);
    QCOMPARE(quantization::describeTensor(roundNearest(normalWeights(2, 256, 13), *grid)),
             quantization::describeGrid(*grid));
  }
}

void CodeBookGridsTest::wrongParametersAreNamed() {
  const auto messageOf = [](const std::string& use, const Json& parameters) -> std::string {
    try {
      quantization::makeGrid(use, parameters);
    } catch (const base::Error& error) {
      return error.what();
    }
    return "no error";
  };
  QCOMPARE(messageOf("nf4", {{"groupSize", 48}}),
           std::string("nf4: 'groupSize': expected 32, 64, 128, 256, 512, 1024, 2048 or 4096, found 48"));
  QVERIFY(messageOf("nf4", {{"bits", 4}}).find("'bits': unknown parameter") != std::string::npos);
  QCOMPARE(messageOf("log", {{"bits", 7}}),
           std::string("log: 'bits': expected an integer from 3 to 6, found 7"));
  QVERIFY(messageOf("log", {{"base", "e"}}).find("'base'") != std::string::npos);
  QVERIFY(messageOf("learned", {{"bits", 5}}).find("'bits'") != std::string::npos);
}

NIB_TEST(CodeBookGridsTest)
#include "code_book_grids_test.moc"
