// SPDX-License-Identifier: Apache-2.0
#include "tensor/tensor_view.hpp"

#include "base/error.hpp"
#include "base/json.hpp"
#include "nib_test.hpp"
#include "tensor/ggml_blocks.hpp"
#include "test_data.hpp"

#include <QtTest>

#include <cmath>
#include <cstring>

using namespace nibblesmith;
using tensor::DType;

namespace {

QByteArray fromHex(const base::Json& text) {
  return QByteArray::fromHex(QByteArray::fromStdString(text.get<std::string>()));
}

std::vector<float> floats(const QByteArray& bytes) {
  std::vector<float> values(static_cast<size_t>(bytes.size()) / sizeof(float));
  std::memcpy(values.data(), bytes.constData(), values.size() * sizeof(float));
  return values;
}

std::vector<float> readAll(DType type, const QByteArray& bytes, int64_t rows, int64_t cols) {
  const tensor::TensorView view{
      type, {rows, cols}, std::as_bytes(std::span(bytes.constData(), static_cast<size_t>(bytes.size()))), {}};
  std::vector<float> values(static_cast<size_t>(rows * cols));
  tensor::readRows(view, 0, rows, values.data());
  return values;
}

} // namespace

/// Compares conversions of file types bit by bit with the libraries that define them.
class StoredTypesTest : public QObject {
  Q_OBJECT

private slots:
  void ggmlBlocks_data() {
    QTest::addColumn<int>("type");
    for (const DType type :
         {DType::Q4_0, DType::Q4_1, DType::Q5_0, DType::Q5_1, DType::Q8_0, DType::Q2_K, DType::Q3_K,
          DType::Q4_K, DType::Q5_K, DType::Q6_K, DType::IQ4_NL, DType::IQ4_XS})
      QTest::newRow(std::string(tensor::toString(type)).c_str()) << static_cast<int>(type);
  }
  void ggmlBlocks() {
    QFETCH(int, type);
    const auto dtype = static_cast<DType>(type);
    const base::Json golden = base::readJsonFile(test::projectFile("tests/golden/tensor/ggml_blocks.json"));
    const base::Json& entry = golden.at("types").at(std::string(tensor::toString(dtype)));
    QByteArray blocks = fromHex(entry.at("blocks"));
    const std::vector<float> expected = floats(fromHex(entry.at("values")));
    QCOMPARE(expected.size(), size_t{512});
    QCOMPARE(tensor::storageBytes(dtype, 512), static_cast<uint64_t>(blocks.size()));
    const std::vector<float> values = readAll(dtype, blocks, 2, 256);
    for (size_t i = 0; i < values.size(); ++i)
      QVERIFY2(std::memcmp(&values[i], &expected[i], sizeof(float)) == 0,
               qPrintable(QStringLiteral("%1: %2 instead of %3")
                              .arg(i)
                              .arg(values[i], 0, 'g', 9)
                              .arg(expected[i], 0, 'g', 9)));
    // Flipping a bit in any byte of a block must change the values, since the layout uses every byte.
    const auto size = static_cast<qsizetype>(tensor::blockBytes(dtype));
    for (qsizetype i = 0; i < size; ++i) {
      blocks[i] = static_cast<char>(static_cast<uint8_t>(blocks[i]) ^ 0x40);
      const std::vector<float> changed = readAll(dtype, blocks, 2, 256);
      blocks[i] = static_cast<char>(static_cast<uint8_t>(blocks[i]) ^ 0x40);
      QVERIFY2(std::memcmp(changed.data(), values.data(), values.size() * sizeof(float)) != 0,
               qPrintable(QString::number(i)));
    }
  }

  // NaN in any field that blockScaleFields() names makes every weight of the block NaN.
  void scaleFieldsOfBlocks() {
    const base::Json golden = base::readJsonFile(test::projectFile("tests/golden/tensor/ggml_blocks.json"));
    for (const auto& [name, entry] : golden.at("types").items())
      for (int number = 0; number < 256; ++number) {
        const auto dtype = static_cast<DType>(number);
        try {
          if (tensor::toString(dtype) != name)
            continue;
        } catch (const base::Error&) { // no type has this number
          continue;
        }
        const auto [offset, count] = tensor::blockScaleFields(dtype);
        QVERIFY(count == 1 || count == 2);
        QByteArray blocks = fromHex(entry.at("blocks"));
        blocks[static_cast<qsizetype>(offset)] = '\xFF';
        blocks[static_cast<qsizetype>(offset + 1)] = '\x7F';
        const std::vector<float> values = readAll(dtype, blocks, 2, 256);
        for (int64_t i = 0; i < tensor::blockElements(dtype); ++i)
          QVERIFY2(std::isnan(values[static_cast<size_t>(i)]), name.c_str());
        QVERIFY(!std::isnan(values[300]));
      }
  }

  void float8() {
    const base::Json golden = base::readJsonFile(test::projectFile("tests/golden/tensor/f8.json"));
    QByteArray codes;
    for (int i = 0; i < 256; ++i)
      codes += static_cast<char>(static_cast<uint8_t>(i));
    for (const DType type : {DType::F8_E4M3, DType::F8_E5M2}) {
      const std::vector<float> expected = floats(fromHex(golden.at(std::string(tensor::toString(type)))));
      const std::vector<float> values = readAll(type, codes, 16, 16);
      for (size_t i = 0; i < 256; ++i)
        QVERIFY2(values[i] == expected[i] || (std::isnan(values[i]) && std::isnan(expected[i])),
                 qPrintable(QString::number(i)));
    }
  }

  void refusesOthers() {
    float out = 0;
    QVERIFY_EXCEPTION_THROWN(tensor::readBlocks(DType::F16, nullptr, 0, &out), base::Error);
    QVERIFY_EXCEPTION_THROWN(readAll(DType::I32, QByteArray(4, '\0'), 1, 1), base::Error);
  }
};

NIB_TEST(StoredTypesTest)
#include "stored_types_test.moc"
