// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/compressed_tensors.hpp"
#include "nib_test.hpp"
#include "refusal.hpp"
#include "test_data.hpp"

#include <QtTest>

using namespace nibblesmith;
using base::ErrorCode;
using base::Json;
using checkpoint::Checkpoint;
using tensor::DType;
using tensor::TensorView;

namespace {

std::shared_ptr<const Checkpoint> golden() {
  return checkpoint::openCheckpoint(test::projectFile("tests/golden/checkpoint/pack_quantized"));
}

std::vector<std::string> layersOf(const Checkpoint& checkpoint) {
  const std::string suffix = ".weight_packed";
  std::vector<std::string> names;
  for (const auto& [name, view] : checkpoint.tensors)
    if (name.ends_with(suffix))
      names.push_back(name.substr(0, name.size() - suffix.size()));
  return names;
}

template <typename T>
TensorView makeView(DType dtype, std::vector<int64_t> shape, std::vector<T> values) {
  auto owner = std::make_shared<const std::vector<T>>(std::move(values));
  return {dtype, std::move(shape), std::as_bytes(std::span(*owner)), owner};
}

const std::string kLayer = "model.layers.4.mlp.down_proj"; // 4 bits, asymmetric, [7, 37] in groups of 16
const std::string kIndexed = "model.layers.9.self_attn.v_proj";

} // namespace

class CompressedTensorsTest : public QObject {
  Q_OBJECT

private slots:
  // Reference: packed by compressed-tensors itself, see tests/golden/checkpoint/make_pack_quantized.py.
  void equalsTheReference_data() {
    QTest::addColumn<QString>("name");
    for (const std::string& name : layersOf(*golden()))
      QTest::newRow(name.c_str()) << QString::fromStdString(name);
  }
  void equalsTheReference() {
    QFETCH(QString, name);
    const auto checkpoint = golden();
    const std::string prefix = name.toStdString();
    QVERIFY(checkpoint::isCompressed(*checkpoint, prefix));
    const auto read =
        std::get<tensor::QuantizedTensor>(checkpoint::readCompressed(*checkpoint, prefix).weight);
    const tensor::Matrix expected = tensor::toMatrix(checkpoint->tensor(prefix + ".expected"));
    QCOMPARE(read.outFeatures, int64_t{expected.rows()});
    QCOMPARE(read.inFeatures, int64_t{expected.cols()});
    const tensor::Matrix actual = read.dequantize();
    QVERIFY(actual == expected);
    // Negative control: one code off by one is detected.
    tensor::QuantizedTensor damaged = read;
    damaged.codes.back() ^= 1;
    QVERIFY(damaged.dequantize() != expected);
  }

  void everyBitWidthIsThere() {
    QCOMPARE(layersOf(*golden()).size(), size_t{18});
    QVERIFY(!checkpoint::isCompressed(*golden(), "lm_head"));
  }

  void targetsByNameBeforePatternBeforeClass() {
    Checkpoint changed = *golden();
    Json& groups = changed.config["quantization_config"]["config_groups"];
    const auto weights = [](int bits) {
      return Json{
          {"num_bits", bits}, {"type", "int"}, {"symmetric", true}, {"strategy", "group"}, {"group_size", 8}};
    };
    groups = {{"a", {{"targets", {"Linear"}}, {"weights", weights(8)}}}};
    const std::string name = "model.layers.9.self_attn.o_proj"; // 8 bits
    QCOMPARE(std::get<tensor::QuantizedTensor>(checkpoint::readCompressed(changed, name).weight).bits, 8);
    const auto widthAsked = [&] {
      return test::check(test::refusalOf([&] { checkpoint::readCompressed(changed, name); }),
                         ErrorCode::Corrupt,
                         {"weight_packed", "expected [2, 3]"}); // 24 codes of 4 bits: 3 words
    };
    groups["b"] = {{"targets", {"re:.*o_proj"}}, {"weights", weights(4)}};
    QCOMPARE(widthAsked(), std::string());
    groups["c"] = {{"targets", {name}}, {"weights", weights(8)}};
    QCOMPARE(std::get<tensor::QuantizedTensor>(checkpoint::readCompressed(changed, name).weight).bits, 8);
    // Patterns match from the beginning of the name.
    groups = {{"a", {{"targets", {"re:o_proj"}}, {"weights", weights(8)}}}};
    const std::string wrong = test::check(test::refusalOf([&] { checkpoint::readCompressed(changed, name); }),
                                          ErrorCode::Corrupt, {name, "config_groups"});
    QVERIFY2(wrong.empty(), wrong.c_str());
  }

  /// Every packed layer searches the targets, and every pattern is compiled.
  void endlessTargetsAreRefused() {
    Checkpoint changed = *golden();
    Json& targets = changed.config["quantization_config"]["config_groups"]["group_0"]["targets"];
    for (const auto& [target, count, word] :
         {std::tuple("model.layers.0.self_attn.q_proj", 100'000, "32768 targets"),
          std::tuple("re:.*q_proj", 100, "64 patterns")}) {
      targets = Json(std::vector<std::string>(static_cast<size_t>(count), target));
      const std::string wrong =
          test::check(test::refusalOf([&] { checkpoint::readCompressed(changed, kLayer); }),
                      ErrorCode::NotSupported, {"config.json", "group_0", word});
      QVERIFY2(wrong.empty(), wrong.c_str());
    }
  }

  void corruptTensors_data() {
    QTest::addColumn<int>("which");
    QTest::addColumn<QString>("part");
    QTest::newRow("packed words missing") << 0 << "weight_packed";
    QTest::newRow("packed as I64") << 1 << "weight_packed";
    QTest::newRow("shape of three sizes") << 2 << "weight_shape";
    QTest::newRow("shape negative") << 3 << "weight_shape";
    QTest::newRow("shape huge") << 4 << "weight_shape";
    QTest::newRow("shape as F32") << 5 << "weight_shape";
    QTest::newRow("scales of one group") << 6 << "weight_scale";
    QTest::newRow("scales NaN") << 7 << "weight_scale";
    QTest::newRow("scales beyond F16") << 8 << "weight_scale";
    QTest::newRow("zero points missing") << 9 << "weight_zero_point";
    QTest::newRow("zero points not packed") << 10 << "weight_zero_point";
    QTest::newRow("group index out of range") << 11 << "weight_g_idx";
    QTest::newRow("group index too short") << 12 << "group index";
    QTest::newRow("scales missing") << 13 << "weight_scale";
  }
  void corruptTensors() {
    QFETCH(int, which);
    QFETCH(QString, part);
    Checkpoint changed = *golden();
    const std::string layer = which == 11 || which == 12 ? kIndexed : kLayer;
    const auto set = [&](const char* suffix, TensorView view) {
      changed.tensors[layer + suffix] = std::move(view);
    };
    std::vector<float> scales(21, 0.5f);
    scales[4] = which == 7 ? std::nanf("") : which == 8 ? 1e6f : 0.5f;
    switch (which) {
    case 0:
      set(".weight_packed", makeView<int32_t>(DType::I32, {7, 4}, std::vector<int32_t>(28)));
      break;
    case 1:
      set(".weight_packed", makeView<int64_t>(DType::I64, {7, 5}, std::vector<int64_t>(35)));
      break;
    case 2:
      set(".weight_shape", makeView<int64_t>(DType::I64, {3}, {7, 37, 1}));
      break;
    case 3:
      set(".weight_shape", makeView<int64_t>(DType::I64, {2}, {7, -37}));
      break;
    case 4:
      set(".weight_shape", makeView<int64_t>(DType::I64, {2}, {int64_t{1} << 62, int64_t{1} << 62}));
      break;
    case 5:
      set(".weight_shape", makeView<float>(DType::F32, {2}, {7, 37}));
      break;
    case 6:
      set(".weight_scale", makeView<float>(DType::F32, {7, 1}, std::vector<float>(7)));
      break;
    case 7:
    case 8:
      set(".weight_scale", makeView<float>(DType::F32, {7, 3}, scales));
      break;
    case 9:
      changed.tensors.erase(layer + ".weight_zero_point");
      break;
    case 10:
      set(".weight_zero_point", makeView<int32_t>(DType::I32, {7, 3}, std::vector<int32_t>(21)));
      break;
    case 11:
      set(".weight_g_idx", makeView<int32_t>(DType::I32, {64}, std::vector<int32_t>(64, 4)));
      break;
    case 12:
      set(".weight_g_idx", makeView<int32_t>(DType::I32, {3}, {0, 0, 0}));
      break;
    default:
      changed.tensors.erase(layer + ".weight_scale");
      break;
    }
    const bool missing = which == 9 || which == 13;
    const std::string wrong =
        test::check(test::refusalOf([&] { checkpoint::readCompressed(changed, layer); }),
                    missing ? ErrorCode::NotFound : ErrorCode::Corrupt,
                    {layer, part.toStdString(), changed.path.string()});
    QVERIFY2(wrong.empty(), wrong.c_str());
  }

  void corruptConfigs_data() {
    QTest::addColumn<QString>("pointer");
    QTest::addColumn<QString>("value");
    QTest::addColumn<int>("code");
    QTest::addColumn<QString>("word");
    const auto row = [](const char* pointer, const char* value, ErrorCode code, const char* word) {
      QTest::newRow(pointer) << pointer << value << static_cast<int>(code) << word;
    };
    row("/quantization_config", "null", ErrorCode::Corrupt, "quantization_config");
    row("/quantization_config/quant_method", "\"gptq\"", ErrorCode::NotSupported, "gptq");
    row("/quantization_config/config_groups", "[]", ErrorCode::Corrupt, "config_groups");
    row("/quantization_config/config_groups/group_0", "3", ErrorCode::Corrupt, "group_0");
    row("/quantization_config/config_groups/group_0/targets", "\"Linear\"", ErrorCode::Corrupt, "targets");
    row("/quantization_config/config_groups/group_0/targets/0", "\"re:((\"", ErrorCode::Corrupt, "((");
    row("/quantization_config/config_groups/group_0/targets/0", "7", ErrorCode::Corrupt, "targets");
    row("/quantization_config/config_groups/group_5/weights", "null", ErrorCode::Corrupt, "weights");
    row("/quantization_config/config_groups/group_5/weights/num_bits", "1", ErrorCode::NotSupported,
        "num_bits");
    row("/quantization_config/config_groups/group_5/weights/num_bits", "\"4\"", ErrorCode::Corrupt,
        "num_bits");
    row("/quantization_config/config_groups/group_5/weights/type", "\"float\"", ErrorCode::NotSupported,
        "float");
    row("/quantization_config/config_groups/group_5/weights/strategy", "\"block\"", ErrorCode::NotSupported,
        "block");
    row("/quantization_config/config_groups/group_5/weights/group_size", "0", ErrorCode::Corrupt,
        "group_size");
  }
  void corruptConfigs() {
    QFETCH(QString, pointer);
    QFETCH(QString, value);
    QFETCH(int, code);
    QFETCH(QString, word);
    Checkpoint changed = *golden();
    changed.config[Json::json_pointer(pointer.toStdString())] = Json::parse(value.toStdString());
    const std::string wrong =
        test::check(test::refusalOf([&] { checkpoint::readCompressed(changed, kLayer); }),
                    static_cast<ErrorCode>(code), {"config.json", word.toStdString()});
    QVERIFY2(wrong.empty(), wrong.c_str());
  }
};

NIB_TEST(CompressedTensorsTest)
#include "compressed_tensors_test.moc"
