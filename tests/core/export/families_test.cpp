// SPDX-License-Identifier: Apache-2.0
#include "export/artifact.hpp"
#include "export/gguf.hpp"
#include "family_quantization.hpp"
#include "golden_models.hpp"
#include "model/family.hpp"
#include "nib_test.hpp"
#include "tiny_model.hpp"

#include <QTemporaryDir>
#include <QtTest>

using namespace nibblesmith;
using tensor::Matrix;
namespace fs = std::filesystem;

namespace {

bool gates(const model::Model& model) {
  const auto block = model.block(0);
  return block.find(model::LinearRole::Gate) || block.find(model::LinearRole::GateUp);
}

/// Returns the difference in logits if the artifact's norms keep the biases of the source; -1 if norms have
/// no bias.
double differenceWithBiasesOfNorms(const std::shared_ptr<const model::Model>& artifact,
                                   const model::Model& source) {
  auto changed = std::make_shared<checkpoint::Checkpoint>(artifact->checkpoint());
  const auto block = source.block(1);
  for (const model::NormWeights& norm : block.norms) {
    if (!norm.bias)
      return -1;
    changed->tensors.at(norm.name + ".bias") = *norm.bias;
  }
  return test::relativeDifference(test::logitsOf(model::openModel(changed)), test::logitsOf(artifact));
}

/// Concatenates query, key and value, like older converters.
void fuse(checkpoint::Checkpoint& file, const std::string& prefix, const std::string& suffix) {
  if (!file.has(prefix + "attn_q" + suffix))
    return;
  const auto bytes = std::make_shared<std::vector<std::byte>>();
  tensor::TensorView whole = file.tensor(prefix + "attn_q" + suffix);
  whole.shape.front() = 0;
  for (const char* part : {"attn_q", "attn_k", "attn_v"}) {
    const tensor::TensorView view = file.tensor(prefix + part + suffix);
    whole.shape.front() += view.shape.front();
    bytes->insert(bytes->end(), view.bytes.begin(), view.bytes.end());
    file.tensors.erase(prefix + part + suffix);
  }
  whole.bytes = *bytes;
  whole.owner = bytes;
  file.tensors[prefix + "attn_qkv" + suffix] = whole;
}

/// Model whose final norm changes with every call.
class FickleModel final : public model::Model {
public:
  explicit FickleModel(std::shared_ptr<const model::Model> model) : m_model(std::move(model)) {}
  const model::Family& family() const override { return m_model->family(); }
  const model::ModelConfig& config() const override { return m_model->config(); }
  const checkpoint::Checkpoint& checkpoint() const override { return m_model->checkpoint(); }
  tensor::TensorView embedding() const override { return m_model->embedding(); }
  model::NormWeights finalNorm() const override {
    model::NormWeights norm = m_model->finalNorm();
    tensor::Matrix values = tensor::toVector(norm.weight).transpose();
    values.array() += static_cast<float>(++m_asked);
    const auto shape = norm.weight.shape;
    norm.weight = tensor::ownedView(std::move(values));
    norm.weight.shape = shape;
    return norm;
  }
  model::LinearWeights outputHead() const override { return m_model->outputHead(); }
  model::BlockWeights block(int64_t index) const override { return m_model->block(index); }

private:
  std::shared_ptr<const model::Model> m_model;
  mutable int m_asked = 0;
};

} // namespace

/// Runs every family through engine and writers, and reopens the result.
class FamiliesExportTest : public QObject {
  Q_OBJECT

private:
  std::unique_ptr<QTemporaryDir> m_directory;
  test::FamilyMethods m_methods;
  base::NoProgress m_silent;
  calibration::CalibrationSet m_calibration = test::testCalibration();

  fs::path at(const char* name) const { return fs::path(m_directory->path().toStdString()) / name; }

  fs::path source(const std::string& family, const std::function<void(base::Json&)>& change = {}) {
    test::writeGoldenModel(family, at("source"), change);
    return at("source");
  }

  quantization::QuantizedModel quantize(const std::shared_ptr<const model::Model>& model,
                                        const char* transform, const char* rounding, int bits) {
    test::Job job;
    job.model = model;
    job.recipe = test::gptqRecipe();
    job.recipe.rounding.use = rounding;
    job.recipe.grid.parameters["bits"] = bits;
    if (*transform)
      job.recipe.transforms = {{transform, base::Json::object()}};
    job.calibration = &m_calibration;
    job.methods = &m_methods;
    job.workDirectory = at("work");
    base::ThreadPool pool(2);
    return quantization::quantizeModel(job, pool, {}, m_silent);
  }

  /// Returns the writer's error message, and checks that no file is left.
  std::string refusal(const model::Model& model, const tokenizer::Tokenizer& tokenizer) {
    try {
      exporting::exportGguf(model, tokenizer, exporting::GgufType::F16, at("refused.gguf"), {}, m_silent);
    } catch (const base::Error& error) {
      return error.code() == base::ErrorCode::NotSupported && !fs::exists(at("refused.gguf")) ? error.what()
                                                                                              : std::string();
    }
    return {};
  }

  static void familyRows() {
    QTest::addColumn<QString>("family");
    for (const char* family : {"llama3", "llama_linear", "llama_yarn", "llama_dynamic", "mistral", "qwen2",
                               "qwen3", "gemma", "gemma2", "gemma3", "gemma3_pictures", "phi3",
                               "phi3_longrope", "phi2", "gpt_neox", "gpt_neox_sequential", "gpt2", "qwen1"})
      QTest::newRow(family) << family;
  }

private slots:
  void init() {
    m_directory = std::make_unique<QTemporaryDir>();
    QVERIFY(m_directory->isValid());
  }

  void artifactsComeBack_data() {
    QTest::addColumn<QString>("family");
    QTest::addColumn<QString>("transform");
    QTest::addColumn<QString>("rounding");
    QTest::addColumn<int>("bits");
    QTest::addColumn<double>("error"); // error of the logits; other weights give larger ones
    for (const char* family :
         {"llama3", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3", "gemma3_pictures", "phi3",
          "phi2", "gpt_neox", "gpt_neox_sequential", "gpt2", "qwen1"}) {
      QTest::addRow("%s RTN", family) << family << ""
                                      << "rtn" << 8 << 0.05;
      QTest::addRow("%s GPTQ", family) << family << ""
                                       << "gptq" << 4 << 0.5;
      QTest::addRow("%s AWQ", family) << family << "awq"
                                      << "rtn" << 8 << 0.05;
      QTest::addRow("%s arbitrary scales", family) << family << "arbitrary"
                                                   << "rtn" << 8 << 0.08;
    }
  }
  void artifactsComeBack() {
    QFETCH(QString, family);
    QFETCH(QString, transform);
    QFETCH(QString, rounding);
    QFETCH(int, bits);
    QFETCH(double, error);
    const auto model = model::openModel(source(family.toStdString()));
    const auto quantized = quantize(model, transform.toLatin1(), rounding.toLatin1(), bits);
    QCOMPARE(quantized.layers.size(),
             static_cast<size_t>(model->config().numLayers) * model->block(0).linears.size());
    const exporting::Audit audit = exporting::writeArtifact(quantized, at("artifact"), {}, m_silent);
    QVERIFY2(audit.passed, audit.detail.c_str());
    QCOMPARE(audit.detail.find("Conv1D") != std::string::npos, family == QStringLiteral("gpt2"));
    QCOMPARE(audit.detail.find("vision modules") != std::string::npos,
             family == QStringLiteral("gemma3_pictures"));
    const auto reopened = model::openModel(at("artifact"));
    QCOMPARE(reopened->config().family, model->config().family);
    const double found = test::relativeDifference(test::logitsOf(reopened), test::logitsOf(model));
    QVERIFY2(found < error && found > 1e-4, qPrintable(QString::number(found)));
    if (transform == QStringLiteral("arbitrary")) {
      // Scales changed norms and rows in all stages except those after an activation.
      const std::string down = model->family().linears.back().names.huggingFace;
      for (const auto& layer : quantized.layers) {
        const bool isBehindActivation = !gates(*model) && layer.name.ends_with(down);
        const bool isRefused =
            std::any_of(layer.fallbacks.begin(), layer.fallbacks.end(),
                        [](const std::string& text) { return text.starts_with("inputs not scaled"); });
        QVERIFY2(isRefused == isBehindActivation, layer.name.c_str());
      }
      const auto block = model->block(1);
      for (size_t i = 0; i < block.norms.size(); ++i)
        if (block.norms[i].role == model::NormRole::Attention || block.norms[i].role == model::NormRole::Mlp)
          QVERIFY(tensor::toVector(reopened->block(1).norms[i].weight) !=
                  tensor::toVector(block.norms[i].weight));
      if (const double unscaled = differenceWithBiasesOfNorms(reopened, *model); unscaled >= 0)
        QVERIFY2(unscaled > error, qPrintable(QString::number(unscaled)));
    }
  }

  void ggufFilesComeBack_data() { familyRows(); }
  void ggufFilesComeBack() {
    QFETCH(QString, family);
    const auto model = model::openModel(source(family.toStdString()));
    const auto tokenizer = tokenizer::loadTokenizer(model->checkpoint());
    const auto write = [&](exporting::GgufType type) {
      return exporting::exportGguf(*model, *tokenizer, type, test::replacing(at("model.gguf")), {}, m_silent);
    };
    for (const auto type : {exporting::GgufType::F16, exporting::GgufType::Q8_0}) {
      if (family == QStringLiteral("gemma2") || family == QStringLiteral("gemma3")) {
        // llama.cpp derives the attention scale from the number of layers: other models must be rejected.
        QVERIFY(refusal(*model, *tokenizer).find("attention scale") != std::string::npos);
        continue;
      }
      const exporting::Audit audit = write(type);
      QVERIFY2(audit.passed, audit.detail.c_str());
      const auto reopened = model::openModel(at("model.gguf"));
      QCOMPARE(audit.detail.find("vision modules") != std::string::npos,
               family == QStringLiteral("gemma3_pictures"));
      const int64_t context = reopened->config().maxPositions;
      const bool hasWindow = family == QStringLiteral("mistral") || family == QStringLiteral("qwen2") ||
                             family == QStringLiteral("phi3");
      const bool hasLength = family == QStringLiteral("llama_dynamic") || family == QStringLiteral("qwen1");
      QCOMPARE(context, hasWindow   ? model->config().attention.back().window
                        : hasLength ? model->config().unscaledPositions()
                                    : model->config().maxPositions);
      QCOMPARE(context < model->config().maxPositions, hasWindow || hasLength);
      QCOMPARE(audit.detail.find("windows") != std::string::npos, hasWindow);
      QCOMPARE(audit.detail.find("text's length") != std::string::npos, hasLength);
      const int64_t rows = std::min<int64_t>(context, 40);
      const double found = test::relativeDifference(test::logitsOf(reopened).topRows(rows),
                                                    test::logitsOf(model).topRows(rows));
      const bool isApproximated = model->config().activation == model::Activation::Gelu;
      QCOMPARE(audit.detail.find("GELU") != std::string::npos, isApproximated);
      const double bound = type == exporting::GgufType::Q8_0            ? 0.06
                           : isApproximated                             ? 1e-3
                           : family.startsWith(QStringLiteral("gemma")) ? 2e-4
                                                                        : 1e-6;
      QVERIFY2(found < bound, qPrintable(QString::number(found)));
    }
  }

  /// Uses the published models' attention scale, which llama.cpp assumes.
  void gemmasComeBackFromGguf_data() {
    QTest::addColumn<QString>("family");
    QTest::newRow("gemma2") << "gemma2";
    QTest::newRow("gemma3") << "gemma3";
  }
  void gemmasComeBackFromGguf() {
    QFETCH(QString, family);
    const auto model = model::openModel(source(family.toStdString(), [](base::Json& config) {
      config["query_pre_attn_scalar"] = config["head_dim"];
    }));
    const auto tokenizer = tokenizer::loadTokenizer(model->checkpoint());
    const auto audit = exporting::exportGguf(*model, *tokenizer, exporting::GgufType::F16,
                                             test::replacing(at("model.gguf")), {}, m_silent);
    QVERIFY2(audit.passed, audit.detail.c_str());
    const auto reopened = model::openModel(at("model.gguf"));
    QCOMPARE(reopened->config().attentionOfLayer, model->config().attentionOfLayer);
    QVERIFY(test::relativeDifference(test::logitsOf(reopened), test::logitsOf(model)) < 2e-4);
  }

  /// Weights that differ when the file is read back: the file must not get its name.
  void fileThatFailsItsAuditIsNotKept() {
    const FickleModel model(model::openModel(source("llama3")));
    const auto tokenizer = tokenizer::loadTokenizer(model.checkpoint());
    const auto audit = exporting::exportGguf(model, *tokenizer, exporting::GgufType::F16,
                                             test::replacing(at("model.gguf")), {}, m_silent);
    QVERIFY(!audit.passed);
    QVERIFY2(audit.detail.find("model.norm") != std::string::npos, audit.detail.c_str());
    for (const auto& entry : fs::directory_iterator(at("model.gguf").parent_path()))
      QVERIFY2(!entry.path().string().ends_with(".gguf"), entry.path().c_str());
  }

  /// llama.cpp reads query, key and value as one linear in every architecture, and older files of Phi-2 store
  /// them fused.
  void fusedRowsOfGgufFilesAreRead_data() {
    QTest::addColumn<QString>("family");
    for (const char* family : {"phi2", "qwen2", "llama3"})
      QTest::newRow(family) << family;
  }
  void fusedRowsOfGgufFilesAreRead() {
    QFETCH(QString, family);
    const auto model = model::openModel(source(family.toStdString()));
    const auto tokenizer = tokenizer::loadTokenizer(model->checkpoint());
    for (const auto type : {exporting::GgufType::F16, exporting::GgufType::Q8_0}) {
      QVERIFY(exporting::exportGguf(*model, *tokenizer, type, test::replacing(at("model.gguf")), {}, m_silent)
                  .passed);
      const auto file = model::openModel(at("model.gguf"));
      auto fused = std::make_shared<checkpoint::Checkpoint>(file->checkpoint());
      for (int64_t layer = 0; layer < model->config().numLayers; ++layer)
        for (const char* suffix : {".weight", ".bias"})
          fuse(*fused, "blk." + std::to_string(layer) + ".", suffix);
      QVERIFY(!fused->has("blk.0.attn_q.weight") && fused->has("blk.0.attn_qkv.weight"));
      QVERIFY(test::logitsOf(model::openModel(fused)) == test::logitsOf(file));
      fused->tensors["blk.1.attn_qkv.weight"] = file->checkpoint().tensor("blk.1.attn_k.weight");
      QVERIFY_EXCEPTION_THROWN(model::openModel(fused), base::Error);
    }
  }

  /// A GGUF file has no config.json: the family generates an equivalent one for the artifact.
  void ggufSourcesBecomeArtifacts_data() {
    QTest::addColumn<QString>("family");
    for (const char* family :
         {"llama_linear", "llama_yarn", "qwen2", "qwen3", "gemma", "gemma2", "gemma3", "phi3",
          "phi3_longrope", "phi2", "gpt_neox", "gpt_neox_sequential", "gpt2", "qwen1"})
      QTest::newRow(family) << family;
  }
  void ggufSourcesBecomeArtifacts() {
    QFETCH(QString, family);
    const auto model = model::openModel(source(family.toStdString(), [](base::Json& config) {
      if (config.contains("query_pre_attn_scalar"))
        config["query_pre_attn_scalar"] = config["head_dim"];
    }));
    const auto tokenizer = tokenizer::loadTokenizer(model->checkpoint());
    exporting::exportGguf(*model, *tokenizer, exporting::GgufType::F16, test::replacing(at("model.gguf")), {},
                          m_silent);
    const auto file = model::openModel(at("model.gguf"));
    exporting::checkWritable(*file, at("artifact"), {});
    m_calibration = test::testCalibration(6, 7); // within the window, if the file has none
    const auto quantized = quantize(file, "arbitrary", "rtn", 8);
    const exporting::Audit audit = exporting::writeArtifact(quantized, at("artifact"), {}, m_silent);
    QVERIFY2(audit.passed, audit.detail.c_str());
    const auto reopened = model::openModel(at("artifact"));
    model::ModelConfig expected = file->config(), found = reopened->config();
    QVERIFY(found.attention == expected.attention && found.attentionOfLayer == expected.attentionOfLayer);
    QVERIFY(found.norm == expected.norm && found.activation == expected.activation);
    QVERIFY(std::abs(found.scoreScale() / expected.scoreScale() - 1) < 1e-6f);
    QCOMPARE(found.attentionSoftCap, expected.attentionSoftCap);
    QCOMPARE(found.finalSoftCap, expected.finalSoftCap);
    QCOMPARE(found.embeddingScale, expected.embeddingScale);
    QCOMPARE(found.maxPositions, expected.maxPositions);
    QCOMPARE(found.parallelBranches, expected.parallelBranches);
    QCOMPARE(found.tiedEmbeddings, expected.tiedEmbeddings);
    const int64_t rows = std::min<int64_t>(expected.maxPositions, 40);
    const double error =
        test::relativeDifference(test::logitsOf(reopened).topRows(rows), test::logitsOf(file).topRows(rows));
    QVERIFY2(error < 0.08, qPrintable(QString::number(error)));
  }

  /// Scalings that llama.cpp's architectures do not read from a file are rejected before writing.
  void scalingsThatGgufCannotHoldAreRefused_data() {
    QTest::addColumn<QString>("family");
    QTest::addColumn<QString>("change");
    QTest::newRow("bounds") << "llama_yarn"
                            << R"({"beta_fast": 16})";
    QTest::newRow("broken bounds") << "llama_yarn"
                                   << R"({"truncate": false})";
    QTest::newRow("longrope of another architecture")
        << "qwen3"
        << R"({"rope_type": "longrope", "original_max_position_embeddings": 64, "short_factor": [1, 1, 1, 1, 1, 2],
                          "long_factor": [1, 1, 1, 1, 1, 3]})";
    QTest::newRow("frequencies of another architecture")
        << "qwen3"
        << R"({"rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4,
                          "original_max_position_embeddings": 32})";
  }
  void scalingsThatGgufCannotHoldAreRefused() {
    QFETCH(QString, family);
    QFETCH(QString, change);
    const auto model = model::openModel(source(family.toStdString(), [&](base::Json& config) {
      config["rope_parameters"].update(base::Json::parse(change.toStdString()));
    }));
    const std::string found = refusal(*model, *tokenizer::loadTokenizer(model->checkpoint()));
    QVERIFY2(found.find("scaling of rotary embeddings") != std::string::npos, found.c_str());
  }

  /// YaRN's magnitude factor and all positions of LongRoPE survive both formats.
  void scalingsComeBackWhole() {
    for (const char* family : {"llama_yarn", "phi3_longrope"}) {
      const auto model = model::openModel(
          source(family, [](base::Json& config) { config["rope_parameters"]["attention_factor"] = 1.5; }));
      QCOMPARE(model->config().rotary().magnitude, 1.5f);
      const auto tokenizer = tokenizer::loadTokenizer(model->checkpoint());
      const auto audit = exporting::exportGguf(*model, *tokenizer, exporting::GgufType::F16,
                                               test::replacing(at("model.gguf")), {}, m_silent);
      QVERIFY2(audit.passed, audit.detail.c_str());
      const auto file = model::openModel(at("model.gguf"));
      QCOMPARE(file->config().maxPositions, model->config().maxPositions);
      QVERIFY(file->config().rotary().longRope == model->config().rotary().longRope);
      const base::Json made = model::configJson(*file);
      QVERIFY(made.at("max_position_embeddings") == model->checkpoint().config.at("max_position_embeddings"));
      if (model->config().rotary().longRope)
        QCOMPARE(made.at("original_max_position_embeddings").get<int>(), 64);
      QVERIFY(std::abs(made.at("rope_scaling").at("attention_factor").get<double>() - 1.5) < 1e-6);
    }
  }

  /// A newly generated configuration of the language model keeps the training's context length.
  void dynamicScalingComesBack() {
    const auto model = model::openModel(source("gemma3_pictures", [](base::Json& config) {
      config["text_config"]["rope_parameters"]["full_attention"].update(
          {{"rope_type", "dynamic"}, {"factor", 2.5}});
    }));
    QVERIFY(model->checkpoint().skippedModules.has_value());
    QCOMPARE(model->config().maxPositions, int64_t{320});
    auto alone = std::make_shared<checkpoint::Checkpoint>(model->checkpoint());
    alone->config = model::configJson(*model);
    QCOMPARE(alone->config.at("max_position_embeddings").get<int>(), 128);
    const auto reopened = model::openModel(alone);
    QCOMPARE(reopened->config().maxPositions, int64_t{320});
    QVERIFY(reopened->config().attention == model->config().attention);
  }

  /// Rotary frequencies of a GGUF file are recognized only if they are those of the published Llama 3.x.
  void scaledFrequenciesBecomeAConfig_data() {
    QTest::addColumn<double>("positions");
    QTest::addColumn<bool>("known");
    QTest::newRow("Llama 3.x") << 8192.0 << true;
    QTest::newRow("others") << 32.0 << false;
  }
  void scaledFrequenciesBecomeAConfig() {
    QFETCH(double, positions);
    QFETCH(bool, known);
    const auto model = model::openModel(source("llama3", [&](base::Json& config) {
      config["rope_parameters"]["original_max_position_embeddings"] = positions;
      config["rope_parameters"]["rope_theta"] = 500000.0;
    }));
    const auto tokenizer = tokenizer::loadTokenizer(model->checkpoint());
    QVERIFY(exporting::exportGguf(*model, *tokenizer, exporting::GgufType::F16,
                                  test::replacing(at("model.gguf")), {}, m_silent)
                .passed);
    const auto file = model::openModel(at("model.gguf"));
    QVERIFY(file->config().rotary() == model->config().rotary());
    if (!known) {
      QVERIFY_EXCEPTION_THROWN(exporting::checkWritable(*file, at("artifact"), {}), base::Error);
      return;
    }
    const base::Json made = model::configJson(*file);
    QCOMPARE(made["rope_scaling"]["rope_type"].get<std::string>(), std::string("llama3"));
    QCOMPARE(made["rope_scaling"]["factor"].get<double>(), 8.0);
  }
};

NIB_TEST(FamiliesExportTest)
#include "families_test.moc"
