// SPDX-License-Identifier: Apache-2.0
#include "export/int_quantized.hpp"

#include "checkpoint/compressed_tensors.hpp"
#include "export/artifact.hpp"
#include "export/artifact_config.hpp"
#include "export/gguf.hpp"
#include "nib_test.hpp"
#include "refusal.hpp"
#include "tiny_model.hpp"

#include <QTemporaryDir>
#include <QtTest>

using namespace nibblesmith;
namespace fs = std::filesystem;
using base::Json;

/// Artifacts with quantized inputs: int-quantized and LLM.int8(), written, reopened and damaged.
class IntQuantizedTest : public QObject {
  Q_OBJECT

private:
  std::unique_ptr<QTemporaryDir> m_directory;
  fs::path at(const char* name) const { return fs::path(m_directory->path().toStdString()) / name; }

  quantization::QuantizedModel quantize(const Json& activations, const Json& grid,
                                        const char* method = "random",
                                        const quantization::Policy& policy = {}) {
    static const test::RandomMethods kMethods;
    test::writeTinyModel(at("source"));
    test::Job job;
    job.model = model::openModel(at("source"));
    job.recipe.rounding.use = method;
    job.recipe.grid.parameters = grid;
    job.recipe.activations.use = activations.at("use");
    job.recipe.activations.parameters = activations;
    job.recipe.activations.parameters.erase("use");
    job.recipe.policy = policy;
    job.methods = &kMethods;
    job.workDirectory = at("work");
    calibration::CalibrationSet set;
    set.sequences = {{1, 5, 9, 7, 3}, {2, 4, 8}};
    job.calibration = &set;
    base::ThreadPool pool(1);
    base::NoProgress progress;
    return quantization::quantizeModel(job, pool, {}, progress);
  }
  exporting::Audit write(const quantization::QuantizedModel& quantized) {
    base::NoProgress progress;
    return exporting::writeArtifact(quantized, at("artifact"), {}, progress);
  }
  static Json channel() { return {{"bits", 8}, {"granularity", "channel"}}; }

  /// Returns the opened artifact, in which a test changes one thing.
  checkpoint::Checkpoint opened() { return *checkpoint::openCheckpoint(at("artifact")); }
  static tensor::TensorView bytesView(tensor::DType dtype, std::vector<int64_t> shape,
                                      std::vector<uint8_t> values) {
    auto owner = std::make_shared<const std::vector<uint8_t>>(std::move(values));
    return {dtype, std::move(shape), std::as_bytes(std::span(*owner)), owner};
  }

private slots:
  void init() { m_directory = std::make_unique<QTemporaryDir>(); }

  void roundTrip_data() {
    QTest::addColumn<QString>("activations");
    QTest::addColumn<QString>("grid");
    QTest::addColumn<QString>("method");
    const auto row = [](const char* name, const char* activations, const char* grid,
                        const char* method = "random") {
      QTest::newRow(name) << QString::fromLatin1(activations) << QString::fromLatin1(grid)
                          << QString::fromLatin1(method);
    };
    row("dynamic", R"({"use": "int8"})", R"({"bits": 8, "granularity": "channel"})");
    row("dynamic per tensor, groups", R"({"use": "int8", "granularity": "tensor"})",
        R"({"bits": 8, "groupSize": 32})");
    row("static", R"({"use": "int8", "mode": "static"})", R"({"bits": 8, "granularity": "channel"})");
    row("static asymmetric, asymmetric weights", R"({"use": "int8", "mode": "static", "symmetric": false})",
        R"({"bits": 8, "granularity": "channel", "symmetric": false})");
    row("4-bit weights", R"({"use": "int8"})", R"({"bits": 4, "groupSize": 32, "symmetric": false})");
    row("3-bit weights, 4-bit inputs, group index", R"({"use": "int4"})", R"({"bits": 3, "groupSize": 32})",
        "random-indexed");
    row("LLM.int8", R"({"use": "llm.int8", "threshold": 5.5})", R"({"bits": 8, "granularity": "channel"})");
  }
  void roundTrip() {
    QFETCH(QString, activations);
    QFETCH(QString, grid);
    QFETCH(QString, method);
    const auto quantized = quantize(Json::parse(activations.toStdString()), Json::parse(grid.toStdString()),
                                    method.toLatin1().constData());
    const exporting::Audit audit = write(quantized);
    QVERIFY2(audit.passed, audit.detail.c_str());
    QCOMPARE(audit.maxAbsoluteError, 0.0);
    const auto reopened = model::openModel(at("artifact"));
    for (int64_t index = 0; index < 2; ++index) {
      const auto expected = quantized.block(index);
      QCOMPARE(expected.inputs.size(), size_t{7});
      for (const model::LinearWeights& linear : reopened->block(index).linears) {
        QVERIFY(model::toMatrix(linear.weight) == expected.linears.at(linear.name).dequantize());
        QVERIFY(linear.input == expected.inputs.at(linear.name));
      }
    }
    const auto summary = model::summarize(*reopened);
    QCOMPARE(summary.parameters, model::summarize(*quantized.source).parameters);
    const bool llmInt8 = activations.contains("llm");
    QVERIFY2(QString::fromStdString(summary.format)
                 .contains(llmInt8 ? "bitsandbytes 8-bit" : "compressed-tensors"),
             summary.format.c_str());
    // The same model gives the same bytes, and a weight that differs from the evaluated one is detected.
    test::flipBit(at("artifact") / "model.safetensors", -40);
    QVERIFY(!exporting::auditArtifact(quantized, at("artifact"), {}).passed);
  }

  void keptLayersStay() {
    quantization::Policy policy;
    policy.keep = {"lm_head", "embed_tokens", "*.k_proj"};
    policy.overrides = {{"layers.0.mlp.*", {{"bits", 4}}}};
    QVERIFY(write(quantize({{"use", "int8"}}, channel(), "random", policy)).passed);
    const Json config = opened().config.at("quantization_config");
    QCOMPARE(config.at("format").get<std::string>(), std::string("int-quantized"));
    QCOMPARE(config.at("config_groups").size(), size_t{2});
    QVERIFY(config.at("ignore").dump().find("layers.1.self_attn.k_proj") != std::string::npos);
    for (const Json& group : config.at("config_groups")) {
      QCOMPARE(group.at("format").get<std::string>(), std::string("int-quantized"));
      QCOMPARE(group.at("input_activations").at("strategy").get<std::string>(), std::string("token"));
      QCOMPARE(group.at("input_activations").at("dynamic").get<bool>(), true);
    }
    const auto block = model::openModel(at("artifact"))->block(1);
    QVERIFY(!block.linear(model::LinearRole::Key).input);
    QVERIFY(block.linear(model::LinearRole::Query).input.has_value());
  }

  void inputsAreMixed() {
    quantization::Policy policy;
    policy.overrides = {{"*.down_proj", Json::object(), {{"mode", "dynamic"}}},
                        {"*.k_proj", Json::object(), {{"use", "none"}}}};
    const auto quantized = quantize({{"use", "int8"}, {"mode", "static"}}, channel(), "random", policy);
    const exporting::Audit audit = write(quantized);
    QVERIFY2(audit.passed, audit.detail.c_str());
    const auto reopened = model::openModel(at("artifact"));
    const auto block = reopened->block(1);
    QVERIFY(block.linear(model::LinearRole::Down).input.value().isDynamic);
    QVERIFY(!block.linear(model::LinearRole::Up).input.value().isDynamic);
    QVERIFY(!block.linear(model::LinearRole::Key).input);
    const auto expected = quantized.block(1);
    for (const model::LinearWeights& linear : block.linears)
      QVERIFY(model::toMatrix(linear.weight) == expected.linears.at(linear.name).dequantize());
    const Json config = opened().config.at("quantization_config");
    QCOMPARE(config.at("config_groups").size(), size_t{3});
    QCOMPARE(config.at("format").get<std::string>(), std::string("mixed-precision"));
  }

  void llmInt8Names() {
    quantization::Policy policy;
    policy.keep = {"lm_head", "embed_tokens", "*.k_proj"};
    QVERIFY(write(quantize({{"use", "llm.int8"}}, channel(), "random", policy)).passed);
    const auto artifact = opened();
    const Json config = artifact.config.at("quantization_config");
    QCOMPARE(config.at("quant_method").get<std::string>(), std::string("bitsandbytes"));
    QCOMPARE(config.at("llm_int8_threshold").get<double>(), 6.0);
    QVERIFY(config.at("llm_int8_skip_modules").dump().find("layers.0.self_attn.k_proj") != std::string::npos);
    QVERIFY(config.at("llm_int8_skip_modules").dump().find("lm_head") != std::string::npos);
    const auto& scales = artifact.tensor("model.layers.0.mlp.up_proj.SCB");
    QVERIFY(scales.dtype == tensor::DType::F32 && scales.shape.size() == 1);
    QVERIFY(artifact.tensor("model.layers.0.mlp.up_proj.weight_format").shape.empty());
    // The layout has only one threshold for all linears.
    auto layouts = std::vector<exporting::LinearLayout>(2);
    for (auto& layout : layouts) {
      layout.quantized = true;
      layout.input.emplace().outlierThreshold = 6;
    }
    exporting::llmInt8Config(layouts);
    layouts[1].input->outlierThreshold = 5;
    QVERIFY_THROWS_EXCEPTION(base::Error, exporting::llmInt8Config(layouts));
  }

  void damagedTensorsAreNamed() {
    const std::string layer = "model.layers.0.mlp.up_proj";
    QVERIFY(write(quantize({{"use", "int8"}, {"mode", "static"}, {"symmetric", false}}, channel())).passed);
    const auto refusal = [&](const std::string& suffix, const std::optional<tensor::TensorView>& view) {
      checkpoint::Checkpoint changed = opened();
      changed.tensors.erase(layer + suffix);
      if (view)
        changed.tensors[layer + suffix] = *view;
      return test::check(test::refusalOf([&] { checkpoint::readCompressed(changed, layer); }),
                         view ? base::ErrorCode::Corrupt : base::ErrorCode::NotFound, {layer + suffix});
    };
    using tensor::DType;
    QCOMPARE(refusal(".input_scale", std::nullopt), std::string());
    QCOMPARE(refusal(".input_zero_point", std::nullopt), std::string());
    QCOMPARE(refusal(".input_scale", bytesView(DType::F16, {1}, {0, 0})), std::string());
    QCOMPARE(refusal(".input_scale", bytesView(DType::F16, {1}, {0, 0x7C})), std::string());
    QCOMPARE(refusal(".input_scale", bytesView(DType::F16, {2}, {0, 60, 0, 60})), std::string());
    QCOMPARE(refusal(".input_scale", bytesView(DType::U8, {1}, {1})), std::string());
    QCOMPARE(refusal(".input_zero_point", bytesView(DType::U8, {1}, {1})), std::string());
    QCOMPARE(refusal(".weight", bytesView(DType::I8, {6}, {1, 2, 3, 4, 5, 6})), std::string());
    QCOMPARE(refusal(".weight_scale", std::nullopt), std::string());
  }

  void codesOutsideTheirBitsAreRefused() {
    const std::string layer = "model.layers.0.mlp.up_proj";
    QVERIFY(write(quantize({{"use", "int8"}}, {{"bits", 4}, {"granularity", "channel"}})).passed);
    checkpoint::Checkpoint changed = opened();
    const auto shape = changed.tensor(layer + ".weight").shape;
    changed.tensors[layer + ".weight"] = bytesView(
        tensor::DType::I8, shape, std::vector<uint8_t>(static_cast<size_t>(shape[0] * shape[1]), uint8_t{8}));
    QCOMPARE(test::check(test::refusalOf([&] { checkpoint::readCompressed(changed, layer); }),
                         base::ErrorCode::Corrupt, {layer + ".weight", "4 bits", "8"}),
             std::string());
  }

  void damagedConfigsAreNamed_data() {
    QTest::addColumn<QString>("field");
    QTest::addColumn<QString>("value");
    QTest::addColumn<QString>("word");
    const auto row = [](const char* field, const char* value, const char* word) {
      QTest::addRow("%s %s", field, value)
          << QString::fromLatin1(field) << QString::fromLatin1(value) << QString::fromLatin1(word);
    };
    row("type", "\"float\"", "type");
    row("num_bits", "16", "num_bits");
    row("num_bits", "\"8\"", "num_bits");
    row("strategy", "\"group\"", "strategy");
    row("dynamic", "false", "strategy"); // one scale per token cannot be static
    row("dynamic", "\"local\"", "dynamic");
    row("symmetric", "3", "symmetric");
  }
  void damagedConfigsAreNamed() {
    QFETCH(QString, field);
    QFETCH(QString, value);
    QFETCH(QString, word);
    QVERIFY(write(quantize({{"use", "int8"}}, channel())).passed);
    checkpoint::Checkpoint changed = opened();
    changed
        .config["quantization_config"]["config_groups"]["group_0"]["input_activations"][field.toStdString()] =
        Json::parse(value.toStdString());
    const std::string message =
        test::refusalOf([&] { checkpoint::readCompressed(changed, "model.layers.0.mlp.up_proj"); })
            .value()
            .message;
    QVERIFY2(message.find("input_activations") != std::string::npos &&
                 message.find(word.toStdString()) != std::string::npos,
             message.c_str());
  }

  void ggufCarriesTheWeights() {
    QVERIFY(write(quantize({{"use", "int8"}}, channel())).passed);
    const auto artifact = model::openModel(at("artifact"));
    const auto tokenizer = tokenizer::loadTokenizer(artifact->checkpoint());
    base::NoProgress progress;
    const auto audit =
        exporting::exportGguf(*artifact, *tokenizer, exporting::GgufType::Q8_0, at("out.gguf"), {}, progress);
    QVERIFY2(audit.passed, audit.detail.c_str());
    QVERIFY2(audit.detail.find("inputs are not rounded") != std::string::npos, audit.detail.c_str());
    QVERIFY(exporting::losslessGgufType(*artifact) == exporting::GgufType::Q8_0);
    const auto reopened = model::openModel(at("out.gguf"));
    QVERIFY(!reopened->block(0).linear(model::LinearRole::Up).input);
    QVERIFY(model::toMatrix(reopened->block(0).linear(model::LinearRole::Up).weight) ==
            model::toMatrix(artifact->block(0).linear(model::LinearRole::Up).weight));
  }
};

NIB_TEST(IntQuantizedTest)
#include "int_quantized_test.moc"
