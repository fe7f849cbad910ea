// SPDX-License-Identifier: Apache-2.0
#include "tensor/tensor_view.hpp"

#include "base/error.hpp"
#include "nib_test.hpp"
#include "tensor/half.hpp"

#include <QtTest>

#include <cmath>
#include <cstring>
#include <random>

using namespace nibblesmith;
using namespace nibblesmith::tensor;

namespace {

TensorView viewOf(DType dtype, std::vector<int64_t> shape, const std::string& bytes) {
  auto owner = std::make_shared<const std::string>(bytes);
  return {dtype, std::move(shape), std::as_bytes(std::span(owner->data(), owner->size())), owner};
}

template <typename T>
std::string bytesOf(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

std::string f16(float value) {
  const uint16_t bits = f32ToF16(value);
  return {reinterpret_cast<const char*>(&bits), sizeof(bits)};
}

} // namespace

class TensorViewTest : public QObject {
  Q_OBJECT

private slots:
  void floatTypes() {
    const std::vector<float> values = {0.0f, 1.5f, -2.25f, 1024.0f, -0.125f, 3.0f};
    std::vector<uint16_t> halves, brains;
    std::vector<double> doubles(values.begin(), values.end());
    for (const float value : values) {
      halves.push_back(f32ToF16(value));
      brains.push_back(f32ToBf16(value));
    }
    const std::vector<TensorView> views = {
        viewOf(DType::F32, {3, 2}, bytesOf(values)), viewOf(DType::F16, {3, 2}, bytesOf(halves)),
        viewOf(DType::BF16, {3, 2}, bytesOf(brains)), viewOf(DType::F64, {3, 2}, bytesOf(doubles))};
    for (const TensorView& view : views) {
      const Matrix matrix = toMatrix(view);
      QCOMPARE(matrix.rows(), Eigen::Index{3});
      for (size_t i = 0; i < values.size(); ++i)
        QCOMPARE(matrix.data()[i], values[i]);
      float row[2];
      readRows(view, 1, 2, row);
      QCOMPARE(row[0], -2.25f);
      QCOMPARE(row[1], 1024.0f);
    }
  }

  void oddAddresses() {
    const std::vector<uint16_t> halves = {f32ToF16(1.5f), f32ToF16(-7.0f)};
    const TensorView shifted = viewOf(DType::F16, {2}, "x" + bytesOf(halves));
    TensorView view = shifted;
    view.bytes = shifted.bytes.subspan(1);
    QCOMPARE(toVector(view)[1], -7.0f);
  }

  // Checks ggml's block layouts, written out by hand: values i and i + 16 share a byte.
  void blockTypes() {
    std::string q8 = f16(0.5f), q40 = f16(0.25f), q41 = f16(0.25f) + f16(-3.0f);
    for (int i = 0; i < 32; ++i)
      q8 += static_cast<char>(static_cast<int8_t>(i - 16));
    for (unsigned i = 0; i < 16; ++i) {
      q40 += static_cast<char>(static_cast<uint8_t>(i | ((15 - i) << 4)));
      q41 += static_cast<char>(static_cast<uint8_t>(i | ((15 - i) << 4)));
    }
    const Vector w8 = toVector(viewOf(DType::Q8_0, {32}, q8));
    const Vector w40 = toVector(viewOf(DType::Q4_0, {32}, q40));
    const Vector w41 = toVector(viewOf(DType::Q4_1, {32}, q41));
    for (int i = 0; i < 32; ++i) {
      const auto code = static_cast<float>(i < 16 ? i : 31 - i);
      QCOMPARE(w8[i], 0.5f * static_cast<float>(i - 16));
      QCOMPARE(w40[i], 0.25f * (code - 8.0f));
      QCOMPARE(w41[i], 0.25f * code - 3.0f);
    }
    // Rows of several blocks start at the right offset.
    const TensorView matrix = viewOf(DType::Q8_0, {2, 64}, q8 + q8 + q8 + f16(2.0f) + q8.substr(2));
    std::vector<float> row(64);
    readRows(matrix, 1, 2, row.data());
    QCOMPARE(row[31], 7.5f);
    QCOMPARE(row[63], 30.0f);
  }

  void sizesAreChecked() {
    QCOMPARE(storageBytes(DType::Q4_0, 64), uint64_t{36});
    QCOMPARE(storageBytes(DType::F16, 3), uint64_t{6});
    QVERIFY_EXCEPTION_THROWN(storageBytes(DType::Q4_0, 33), base::Error);
    QVERIFY_EXCEPTION_THROWN(storageBytes(DType::F32, -1), base::Error);
    QVERIFY_EXCEPTION_THROWN(storageBytes(DType::F64, INT64_MAX), base::Error);
    QVERIFY_EXCEPTION_THROWN(toMatrix(viewOf(DType::I32, {1, 1}, std::string(4, '\0'))), base::Error);
  }

  void shapes() {
    const TensorView view = viewOf(DType::F32, {2, 3, 4}, std::string(96, '\0'));
    QCOMPARE(view.elements(), int64_t{24});
    QCOMPARE(view.rows(), int64_t{2});
    QCOMPARE(view.cols(), int64_t{12});
    QCOMPARE(view.describe(), std::string("[2, 3, 4] F32"));
    QCOMPARE(viewOf(DType::F32, {5}, std::string(20, '\0')).rows(), int64_t{1});
    Matrix values(2, 2);
    values << 1, 2, 3, 4;
    const TensorView owned = ownedView(values);
    values.setZero();
    QCOMPARE(toMatrix(owned)(1, 0), 3.0f);
  }

  void notFinite() {
    std::vector<float> values(12, 1.0f);
    requireFinite(values, 4, "w");
    values[9] = INFINITY;
    try {
      requireFinite(values, 4, "layers.3.w");
      QFAIL("was accepted");
    } catch (const base::Error& error) {
      const QString message = error.what();
      QVERIFY(error.code() == base::ErrorCode::Numerical);
      QVERIFY2(message.contains("layers.3.w") && message.contains("infinity") &&
                   message.contains("row 2, column 1"),
               error.what());
    }
    values[9] = NAN;
    QVERIFY_EXCEPTION_THROWN(requireFinite(values, 4, "w"), base::Error);
  }
};

NIB_TEST(TensorViewTest)
#include "tensor_view_test.moc"
