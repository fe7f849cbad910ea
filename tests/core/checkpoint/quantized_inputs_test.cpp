// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/packed_summary.hpp"
#include "checkpoint/quantized_linear.hpp"
#include "nib_test.hpp"
#include "refusal.hpp"
#include "test_data.hpp"
#include "write_bytes.hpp"

#include <QTemporaryDir>
#include <QtTest>

using namespace nibblesmith;
using base::ErrorCode;
using checkpoint::Checkpoint;
using tensor::DType;
using tensor::TensorView;
namespace fs = std::filesystem;

namespace {

std::shared_ptr<const Checkpoint> golden(const std::string& folder) {
  return checkpoint::openCheckpoint(test::projectFile("tests/golden/checkpoint/" + folder));
}

tensor::Matrix weightOf(const checkpoint::QuantizedLinear& linear) {
  if (const auto* view = std::get_if<TensorView>(&linear.weight))
    return tensor::toMatrix(*view);
  return std::get<tensor::QuantizedTensor>(linear.weight).dequantize();
}

template <typename T>
TensorView makeView(DType dtype, std::vector<int64_t> shape, std::vector<T> values) {
  auto owner = std::make_shared<const std::vector<T>>(std::move(values));
  return {dtype, std::move(shape), std::as_bytes(std::span(*owner)), owner};
}

} // namespace

/// Linears packed by other programs, see tests/golden/checkpoint/make_gptq.py and make_awq.py.
class QuantizedInputsTest : public QObject {
  Q_OBJECT

private slots:
  void equalsTheReference_data() {
    QTest::addColumn<QString>("folder");
    QTest::addColumn<QString>("name");
    for (const char* folder : {"gptq_v1", "gptq_v2", "awq", "float8"}) {
      const auto checkpoint = golden(folder);
      for (const auto& [name, view] : checkpoint->tensors)
        if (name.ends_with(".expected"))
          QTest::newRow((folder + (": " + name)).c_str())
              << folder << QString::fromStdString(name.substr(0, name.size() - 9));
    }
  }
  void equalsTheReference() {
    QFETCH(QString, folder);
    QFETCH(QString, name);
    const auto checkpoint = golden(folder.toStdString());
    const std::string prefix = name.toStdString();
    QVERIFY(checkpoint::isQuantizedLinear(*checkpoint, prefix));
    const auto linear = checkpoint::readQuantizedLinear(*checkpoint, prefix);
    const tensor::Matrix expected = tensor::toMatrix(checkpoint->tensor(prefix + ".expected"));
    QCOMPARE(linear.outFeatures(), int64_t{expected.rows()});
    QCOMPARE(linear.inFeatures(), int64_t{expected.cols()});
    QVERIFY(weightOf(linear) == expected);
    QVERIFY(!linear.input);
    QCOMPARE(checkpoint::summarizePacked(*checkpoint, prefix).shape,
             (std::vector<int64_t>{expected.rows(), expected.cols()}));
    for (const char* part :
         {".qweight", ".qzeros", ".scales", ".g_idx", ".weight", ".weight_scale", ".weight_scale_inv"})
      if (checkpoint->has(prefix + part))
        QCOMPARE(checkpoint::packedLinearOf(*checkpoint, prefix + part), prefix);
  }

  void staysOnTheGridWhereItFits() {
    const auto gptq = golden("gptq_v1");
    const auto bitsOf = [&](const char* name) {
      const auto linear = checkpoint::readQuantizedLinear(*gptq, std::string("model.layers.0.") + name);
      const auto* codes = std::get_if<tensor::QuantizedTensor>(&linear.weight);
      return codes ? codes->bits : 0;
    };
    QCOMPARE(bitsOf("b3s"), 3);
    QCOMPARE(bitsOf("b4s"), 4);
    QCOMPARE(bitsOf("b8s"), 8);
    // A zero point of 2^bits needs one more bit; above 8 bits there is none.
    QCOMPARE(bitsOf("b2a"), 3);
    QCOMPARE(bitsOf("b4a"), 5);
    QCOMPARE(bitsOf("b8a"), 0);
    const auto linear = checkpoint::readQuantizedLinear(*gptq, "model.layers.0.b4s");
    const auto& inOrder = std::get<tensor::QuantizedTensor>(linear.weight);
    QVERIFY(inOrder.symmetric && inOrder.groupIndex.empty());
    const auto scattered = checkpoint::readQuantizedLinear(*golden("gptq_v2"), "model.layers.0.s");
    QCOMPARE(std::get<tensor::QuantizedTensor>(scattered.weight).groupIndex.size(), size_t{64});
  }

  void saysWhatItIs() {
    QCOMPARE(checkpoint::formatText(*golden("gptq_v2")),
             std::string("Hugging Face, GPTQ 4-bit group 16, asymmetric"));
    QVERIFY(checkpoint::formatText(*golden("gptq_v1")).starts_with("Hugging Face, GPTQ "));
    QCOMPARE(checkpoint::summarizePacked(*golden("gptq_v1"), "model.layers.0.b3a").type,
             std::string("3-bit group 32, asymmetric, act-order"));
    QCOMPARE(checkpoint::summarizePacked(*golden("gptq_v1"), "model.layers.1.rows").type,
             std::string("4-bit per channel, symmetric, act-order"));
    QCOMPARE(checkpoint::formatText(*golden("awq")),
             std::string("Hugging Face, AWQ 4-bit group 32, asymmetric"));
    QCOMPARE(checkpoint::formatText(*golden("float8")),
             std::string("Hugging Face, F8_E4M3 block 16x32 (dequantized to BF16 where it is read)"));
  }

  // The versions of GPTQ's layout differ only in the offset of zero points; with the wrong version, weights
  // change.
  void versionsDiffer() {
    Checkpoint changed = *golden("gptq_v2");
    const tensor::Matrix before = weightOf(checkpoint::readQuantizedLinear(changed, "model.layers.0.s"));
    changed.config["quantization_config"].erase("checkpoint_format");
    const tensor::Matrix after = weightOf(checkpoint::readQuantizedLinear(changed, "model.layers.0.s"));
    QVERIFY(before != after);
  }

  void readsOldConfigFiles() {
    const QTemporaryDir root;
    const fs::path directory = fs::path(root.path().toStdString()) / "model";
    const auto take = [&](const char* folder) {
      fs::remove_all(directory);
      fs::create_directories(directory);
      fs::copy_file(
          test::projectFile(std::string("tests/golden/checkpoint/") + folder + "/model.safetensors"),
          directory / "model.safetensors");
      test::writeBytes(directory / "config.json", "{}");
    };
    take("gptq_v2");
    test::writeBytes(directory / "quantize_config.json",
                     R"({"bits": 4, "group_size": 16, "checkpoint_format": "gptq_v2"})");
    const auto gptq = checkpoint::openCheckpoint(directory);
    QVERIFY(weightOf(checkpoint::readQuantizedLinear(*gptq, "model.layers.0.s")) ==
            tensor::toMatrix(gptq->tensor("model.layers.0.s.expected")));
    take("awq");
    test::writeBytes(directory / "quant_config.json",
                     R"({"w_bit": 4, "q_group_size": 32, "zero_point": true, "version": "GEMM"})");
    const auto awq = checkpoint::openCheckpoint(directory);
    QVERIFY(weightOf(checkpoint::readQuantizedLinear(*awq, "model.layers.0.groups")) ==
            tensor::toMatrix(awq->tensor("model.layers.0.groups.expected")));
  }

  void refusesConfigs_data() {
    QTest::addColumn<QString>("folder");
    QTest::addColumn<QString>("field");
    QTest::addColumn<QString>("value");
    QTest::addColumn<int>("code");
    QTest::addColumn<QString>("word");
    const auto row = [](const char* folder, const char* field, const char* value, ErrorCode code,
                        const char* word) {
      QTest::newRow((std::string(folder) + " " + field + " " + value).c_str())
          << folder << field << value << static_cast<int>(code) << word;
    };
    row("gptq_v2", "bits", "5", ErrorCode::NotSupported, "5");
    row("gptq_v2", "bits", "\"4\"", ErrorCode::Corrupt, "bits");
    row("gptq_v2", "bits", "8", ErrorCode::Corrupt, "qweight");
    row("gptq_v2", "group_size", "0", ErrorCode::Corrupt, "group_size");
    row("gptq_v2", "group_size", "32", ErrorCode::Corrupt, "scales");
    row("gptq_v2", "checkpoint_format", "\"gptq_p\"", ErrorCode::NotSupported, "gptq_p");
    row("gptq_v2", "is_marlin_format", "true", ErrorCode::NotSupported, "checkpoint_format");
    row("gptq_v2", "quant_method", "\"quip\"", ErrorCode::NotSupported, "quip");
    row("gptq_v2", "dynamic", "{\"+:((\": {\"bits\": 4}}", ErrorCode::Corrupt, "((");
    row("awq", "bits", "8", ErrorCode::NotSupported, "8");
    row("awq", "version", "\"gemv\"", ErrorCode::NotSupported, "gemv");
    row("awq", "group_size", "-7", ErrorCode::Corrupt, "group_size");
    row("awq", "group_size", "64", ErrorCode::Corrupt, "scales");
    row("float8", "weight_block_size", "[16]", ErrorCode::Corrupt, "weight_block_size");
    row("float8", "weight_block_size", "[8, 32]", ErrorCode::Corrupt, "weight_scale_inv");
  }
  void refusesConfigs() {
    QFETCH(QString, folder);
    QFETCH(QString, field);
    QFETCH(QString, value);
    QFETCH(int, code);
    QFETCH(QString, word);
    Checkpoint changed = *golden(folder.toStdString());
    changed.config["quantization_config"][field.toStdString()] = base::Json::parse(value.toStdString());
    const std::string layer = std::string("model.layers.0.") + (folder == "awq"      ? "groups"
                                                                : folder == "float8" ? "blocks"
                                                                                     : "a");
    const std::string wrong = test::check(test::refusalOf([&] {
                                            if (checkpoint::isQuantizedLinear(changed, layer))
                                              checkpoint::readQuantizedLinear(changed, layer);
                                          }),
                                          static_cast<ErrorCode>(code), {word.toStdString()});
    QVERIFY2(wrong.empty(), wrong.c_str());
    // Displaying it does not fail.
    QVERIFY(checkpoint::formatText(changed).starts_with("Hugging Face"));
  }

  void refusesTensors_data() {
    QTest::addColumn<QString>("folder");
    QTest::addColumn<QString>("part");
    QTest::addColumn<int>("which");
    QTest::newRow("GPTQ: words of one dimension") << "gptq_v2"
                                                  << "a.qweight" << 0;
    QTest::newRow("GPTQ: words as F32") << "gptq_v2"
                                        << "a.qweight" << 1;
    QTest::newRow("GPTQ: scales cut") << "gptq_v2"
                                      << "a.scales" << 2;
    QTest::newRow("GPTQ: zero points cut") << "gptq_v2"
                                           << "a.qzeros" << 0;
    QTest::newRow("GPTQ: index out of range") << "gptq_v2"
                                              << "a.g_idx" << 3;
    QTest::newRow("GPTQ: index too short") << "gptq_v2"
                                           << "a.g_idx" << 0;
    QTest::newRow("AWQ: words of one dimension") << "awq"
                                                 << "groups.qweight" << 0;
    QTest::newRow("AWQ: words as F32") << "awq"
                                       << "groups.qweight" << 1;
    QTest::newRow("AWQ: scales NaN") << "awq"
                                     << "groups.scales" << 4;
    QTest::newRow("AWQ: zero points cut") << "awq"
                                          << "groups.qzeros" << 0;
    QTest::newRow("float8: one dimension") << "float8"
                                           << "blocks.weight" << 5;
    QTest::newRow("float8: scales as integers") << "float8"
                                                << "blocks.weight_scale_inv" << 0;
    QTest::newRow("float8: scales of other blocks") << "float8"
                                                    << "blocks.weight_scale_inv" << 2;
  }
  void refusesTensors() {
    QFETCH(QString, folder);
    QFETCH(QString, part);
    QFETCH(int, which);
    Checkpoint changed = *golden(folder.toStdString());
    const std::string name = "model.layers.0." + part.toStdString();
    TensorView& view = changed.tensors.at(name);
    switch (which) {
    case 0:
      view = makeView<int32_t>(DType::I32, {3}, {0, 0, 0});
      break;
    case 1:
      view.dtype = DType::F32;
      break;
    case 2:
      view = makeView<float>(DType::F32, {7, 7}, std::vector<float>(49, 0.5f));
      break;
    case 3:
      view = makeView<int32_t>(DType::I32, {64}, std::vector<int32_t>(64, 9));
      break;
    case 4:
      view = makeView<float>(DType::F32, view.shape,
                             std::vector<float>(static_cast<size_t>(view.elements()), std::nanf("")));
      break;
    default:
      view.shape = {view.elements()};
      break;
    }
    const std::string layer = name.substr(0, name.rfind('.'));
    const std::string word = which == 0 && part == "a.g_idx" ? layer : name;
    const std::string wrong =
        test::check(test::refusalOf([&] { checkpoint::readQuantizedLinear(changed, layer); }),
                    ErrorCode::Corrupt, {word, changed.path.string()});
    QVERIFY2(wrong.empty(), wrong.c_str());
  }
};

NIB_TEST(QuantizedInputsTest)
#include "quantized_inputs_test.moc"
