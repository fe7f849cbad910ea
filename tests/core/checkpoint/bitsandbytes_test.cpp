// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/bitsandbytes.hpp"
#include "checkpoint/quantized_linear.hpp"
#include "nib_test.hpp"
#include "refusal.hpp"
#include "test_data.hpp"

#include <QtTest>

#include <cstring>

using namespace nibblesmith;
using base::ErrorCode;
using checkpoint::Checkpoint;
using tensor::DType;
using tensor::TensorView;

namespace {

std::shared_ptr<const Checkpoint> golden() {
  return checkpoint::openCheckpoint(test::projectFile("tests/golden/checkpoint/bitsandbytes"));
}

template <typename T>
TensorView makeView(DType dtype, std::vector<int64_t> shape, std::vector<T> values) {
  auto owner = std::make_shared<const std::vector<T>>(std::move(values));
  return {dtype, std::move(shape), std::as_bytes(std::span(*owner)), owner};
}

TensorView textView(const std::string& text) {
  return makeView<char>(DType::U8, {std::ssize(text)}, {text.begin(), text.end()});
}

const std::string kPlain = "model.layers.0.self_attn.q_proj"; // NF4 [6, 128], blocks of 64
const std::string kNested =
    "model.layers.0.self_attn.v_proj"; // NF4 [80, 128], blocks of 32, double quantization
const std::string kCrossing = "model.layers.0.mlp.up_proj"; // NF4 [8, 96], blocks of 64 that cross rows

} // namespace

class BitsandbytesTest : public QObject {
  Q_OBJECT

private slots:
  // Reference: packed by bitsandbytes itself, see tests/golden/checkpoint/make_bitsandbytes.py.
  void equalsTheReference_data() {
    QTest::addColumn<QString>("name");
    const auto checkpoint = golden();
    for (const auto& [name, view] : checkpoint->tensors)
      if (const std::string suffix = ".expected"; name.ends_with(suffix))
        QTest::newRow(name.c_str()) << QString::fromStdString(name.substr(0, name.size() - suffix.size()));
  }
  void equalsTheReference() {
    QFETCH(QString, name);
    const auto checkpoint = golden();
    const std::string prefix = name.toStdString();
    QVERIFY(checkpoint::isQuantizedLinear(*checkpoint, prefix));
    const auto read =
        std::get<tensor::QuantizedTensor>(checkpoint::readQuantizedLinear(*checkpoint, prefix).weight);
    const tensor::Matrix expected = tensor::toMatrix(checkpoint->tensor(prefix + ".expected"));
    QCOMPARE(read.outFeatures, int64_t{expected.rows()});
    QVERIFY(read.dequantize() == expected);
    tensor::QuantizedTensor damaged = read;
    damaged.codes.back() ^= 1;
    QVERIFY(damaged.dequantize() != expected);
  }

  void layersAreThere() {
    int count = 0;
    const auto checkpoint = golden();
    for (const auto& [name, view] : checkpoint->tensors)
      count += name.ends_with(".expected");
    QCOMPARE(count, 6);
    QCOMPARE(checkpoint::bitsandbytesType(*golden(), kPlain), std::string("nf4"));
    QVERIFY(!checkpoint::isQuantizedLinear(*golden(), "lm_head"));
  }

  void scalesStayNestedWhereTheyCan() {
    QVERIFY(checkpoint::readBitsandbytes(*golden(), kNested).nestedScales.has_value());
    QVERIFY(!checkpoint::readBitsandbytes(*golden(), kCrossing).nestedScales.has_value());
    QCOMPARE(checkpoint::readBitsandbytes(*golden(), kCrossing).groupSize, int64_t{32});
  }

  void whatDoesNotFitIsNamed_data() {
    QTest::addColumn<QString>("layer");
    QTest::addColumn<QString>("part");
    QTest::addColumn<QString>("defect");
    QTest::addColumn<QString>("says");
    const auto row = [](const char* what, const std::string& layer, const char* part, const char* defect,
                        const char* says) {
      QTest::newRow(what) << QString::fromStdString(layer) << part << defect << says;
    };
    row("weight too short", kPlain, "", "cut", "expected 384 values of U8");
    row("weight of another type", kPlain, "", "f16", "expected 384 values of U8");
    row("absmax too short", kPlain, ".absmax", "cut", "expected 12 values of F32");
    row("absmax of codes without a map", kPlain, ".absmax", "u8", "expected 12 values of F32");
    row("absmax NaN", kPlain, ".absmax", "nan", "expected finite values");
    row("absmax huge", kPlain, ".absmax", "huge", "fit f16");
    row("map too short", kPlain, ".quant_map", "cut", "expected 16 values of F32");
    row("map NaN", kPlain, ".quant_map", "nan", "expected finite values");
    row("nested absmax too short", kNested, ".nested_absmax", "cut", "expected 2 values of F32");
    row("nested map too short", kNested, ".nested_quant_map", "cut", "expected 256 values of F32");
    row("nested codes too few", kNested, ".absmax", "cut", "expected 320 values of U8");
    row("nested codes as floats", kNested, ".absmax", "f32", "expected 320 values of U8");
    for (const char* part : {".absmax", ".quant_map"})
      QTest::addRow("%s missing", part) << QString::fromStdString(kPlain) << part << "missing" << part;
    row("nested map missing", kNested, ".nested_quant_map", "missing", "nested_quant_map");
  }
  void whatDoesNotFitIsNamed() {
    QFETCH(QString, layer);
    QFETCH(QString, part);
    QFETCH(QString, defect);
    QFETCH(QString, says);
    Checkpoint changed = *golden();
    const std::string name = layer.toStdString() + ".weight" + part.toStdString();
    TensorView& view = changed.tensors.at(name);
    const int64_t count = view.elements();
    if (defect == QLatin1String("missing"))
      changed.tensors.erase(name);
    else if (defect == QLatin1String("cut"))
      view = {view.dtype,
              {count - 1},
              view.bytes.first(view.bytes.size() - view.bytes.size() / static_cast<size_t>(count)),
              view.owner};
    else if (defect == QLatin1String("f16"))
      view = {DType::F16, {count / 2}, view.bytes, view.owner};
    else if (defect == QLatin1String("u8"))
      view = makeView<uint8_t>(DType::U8, {count}, std::vector<uint8_t>(static_cast<size_t>(count)));
    else
      view = makeView<float>(
          DType::F32, {count},
          std::vector<float>(static_cast<size_t>(count), defect == QLatin1String("nan")    ? std::nanf("")
                                                         : defect == QLatin1String("huge") ? 1e30f
                                                                                           : 0.1f));
    const auto refusal = test::refusalOf([&] { checkpoint::readBitsandbytes(changed, layer.toStdString()); });
    const auto code = defect == QLatin1String("missing") ? ErrorCode::NotFound : ErrorCode::Corrupt;
    QCOMPARE(test::check(refusal, code, {layer.toStdString(), says.toStdString()}), std::string());
  }

  void statesThatLie_data() {
    QTest::addColumn<QString>("text");
    QTest::addColumn<QString>("says");
    QTest::newRow("no JSON") << "{"
                             << "quant_state";
    QTest::newRow("no object") << "[1]"
                               << "'shape'";
    QTest::newRow("no shape") << R"({"blocksize": 64})"
                              << "'shape'";
    QTest::newRow("shape of one") << R"({"shape": [768], "blocksize": 64})"
                                  << "'shape'";
    QTest::newRow("shape of nothing") << R"({"shape": [0, 128], "blocksize": 64})"
                                      << "'shape'";
    QTest::newRow("shape below nothing") << R"({"shape": [-6, -128], "blocksize": 64})"
                                         << "'shape'";
    QTest::newRow("shape of words") << R"({"shape": ["6", 128], "blocksize": 64})"
                                    << "'shape'";
    QTest::newRow("shape beyond all") << R"({"shape": [6, 9223372036854775807], "blocksize": 64})"
                                      << "'shape'";
    QTest::newRow("another shape") << R"({"shape": [7, 128], "blocksize": 64})"
                                   << "expected 448 values";
    QTest::newRow("large shape") << R"({"shape": [268435456, 268435456], "blocksize": 64})"
                                 << "expected 36028797018963968 values";
    QTest::newRow("no blocks") << R"({"shape": [6, 128]})"
                               << "'blocksize'";
    QTest::newRow("blocks of nothing") << R"({"shape": [6, 128], "blocksize": 0})"
                                       << "'blocksize'";
    QTest::newRow("other blocks") << R"({"shape": [6, 128], "blocksize": 32})"
                                  << "expected 24 values";
    QTest::newRow("unsigned beyond all") << R"({"shape": [6, 128], "blocksize": 18446744073709551615})"
                                         << "'blocksize'";
  }
  void statesThatLie() {
    QFETCH(QString, text);
    QFETCH(QString, says);
    Checkpoint changed = *golden();
    changed.tensors[kPlain + ".weight.quant_state.bitsandbytes__nf4"] = textView(text.toStdString());
    QCOMPARE(test::check(test::refusalOf([&] { checkpoint::readBitsandbytes(changed, kPlain); }),
                         ErrorCode::Corrupt, {kPlain, says.toStdString()}),
             std::string());
  }

  void nestedStatesThatLie() {
    for (const auto& [text, says] :
         {std::pair(R"({"shape": [80, 128], "blocksize": 32})", "'nested_blocksize'"),
          {R"({"shape": [80, 128], "blocksize": 32, "nested_blocksize": 256})", "nested_offset"},
          {R"({"shape": [80, 128], "blocksize": 32, "nested_blocksize": 0, "nested_offset": 0})",
           "'nested_blocksize'"},
          {R"({"shape": [80, 128], "blocksize": 32, "nested_blocksize": 64, "nested_offset": 0})",
           "expected 5 values"},
          {R"({"shape": [80, 128], "blocksize": 32, "nested_blocksize": 256, "nested_offset": 1e300})",
           "nested_offset"}}) {
      Checkpoint changed = *golden();
      changed.tensors[kNested + ".weight.quant_state.bitsandbytes__nf4"] = textView(text);
      QCOMPARE(test::check(test::refusalOf([&] { checkpoint::readBitsandbytes(changed, kNested); }),
                           ErrorCode::Corrupt, {kNested, says}),
               std::string());
    }
  }
};

NIB_TEST(BitsandbytesTest)
#include "bitsandbytes_test.moc"
