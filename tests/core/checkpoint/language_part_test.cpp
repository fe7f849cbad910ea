// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/language_part.hpp"

#include "checkpoint/compressed_tensors.hpp"
#include "checkpoint/safetensors_reader.hpp"
#include "checkpoint/safetensors_writer.hpp"
#include "nib_test.hpp"
#include "test_data.hpp"

#include <QTemporaryDir>
#include <QTest>

#include <fstream>

using namespace nibblesmith;
using checkpoint::Checkpoint;

namespace {

const std::string kBefore = "language_model.model.";
const std::string kInside = "model.language_model.";

/// Returns tests/golden/model/gemma3_pictures as stored.
Checkpoint wholeFile() {
  Checkpoint whole;
  whole.path = test::projectFile("tests/golden/model/gemma3_pictures");
  whole.config = base::readJsonFile(whole.path / "config.json");
  whole.tensors =
      checkpoint::readSafetensors(std::make_shared<const base::MappedFile>(whole.path / "model.safetensors"));
  return whole;
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const size_t at = text.find(what);
  return at == std::string::npos ? text : text.replace(at, what.size(), by);
}

/// Writes tests/golden/checkpoint/pack_quantized as the language model of a multimodal one. tensors, modules:
/// prefixes of tensor names and of targeted modules, instead of "model.".
std::filesystem::path writeQuantized(const QTemporaryDir& root, const std::string& tensors,
                                     const std::string& modules) {
  const auto plain = checkpoint::openCheckpoint(test::projectFile("tests/golden/checkpoint/pack_quantized"));
  const std::filesystem::path directory = root.path().toStdString();
  std::vector<checkpoint::TensorToWrite> out;
  for (const auto& [name, view] : plain->tensors)
    out.push_back({replaced(name, "model.", tensors), view.dtype, view.shape,
                   [view] { return std::vector<std::byte>(view.bytes.begin(), view.bytes.end()); }});
  checkpoint::writeSafetensors(directory / "model.safetensors", out, {});
  base::Json config = {{"model_type", "gemma3"}, {"text_config", {{"model_type", "gemma3_text"}}}};
  config["quantization_config"] = plain->config.at("quantization_config");
  for (auto& group : config["quantization_config"]["config_groups"])
    for (auto& target : group["targets"]) {
      const auto text = target.get<std::string>();
      target = replaced(text, "model.layers", modules + "layers");
      if (text.starts_with("re:model\\."))
        target =
            replaced(text, "model\\.", QString::fromStdString(modules).replace(".", "\\.").toStdString());
    }
  std::ofstream(directory / "config.json") << config.dump();
  return directory;
}

} // namespace

class LanguagePartTest : public QObject {
  Q_OBJECT

private slots:
  void keepsTheLanguageModel() {
    const Checkpoint whole = wholeFile();
    const auto part = checkpoint::openCheckpoint(whole.path);
    QVERIFY(whole.has(kBefore + "norm.weight") && whole.has("multi_modal_projector.mm_soft_emb_norm.weight"));
    QVERIFY(part->skippedModules.has_value());
    QCOMPARE(part->skippedModules->modelType, std::string("gemma3"));
    QCOMPARE(part->skippedModules->modules, (std::set<std::string>{"multi_modal_projector", "vision_tower"}));
    QCOMPARE(part->skippedModules->tensors + part->tensors.size(), whole.tensors.size());
    uint64_t bytes = part->skippedModules->bytes;
    for (const auto& [name, view] : part->tensors) {
      QCOMPARE(name.substr(0, 6), std::string("model."));
      QCOMPARE(view.describe(), whole.tensor(kBefore + name.substr(6)).describe());
      bytes += view.bytes.size();
    }
    for (const auto& [name, view] : whole.tensors)
      bytes -= view.bytes.size();
    QCOMPARE(bytes, uint64_t{0});
    QCOMPARE(part->config.at("model_type").get<std::string>(), std::string("gemma3_text"));
    QCOMPARE(part->config.at("hidden_size").get<int>(), 32);
    QVERIFY(!part->config.contains("vision_config"));
    const std::string text = checkpoint::skippedModulesText(*part);
    QVERIFY2(text.starts_with("the vision modules (multi_modal_projector, vision_tower: " +
                              std::to_string(part->skippedModules->tensors) + " tensors, "),
             text.c_str());
  }

  void readsTheNamesOfNewerFiles() {
    const Checkpoint whole = wholeFile();
    Checkpoint newer = whole;
    newer.tensors.clear();
    for (const auto& [name, view] : whole.tensors)
      newer.tensors[name.starts_with(kBefore) ? kInside + name.substr(kBefore.size()) : "model." + name] =
          view;
    newer.tensors["lm_head.weight"] = whole.tensor(kBefore + "embed_tokens.weight");
    checkpoint::reduceToLanguageModel(newer);
    const auto part = checkpoint::openCheckpoint(whole.path);
    QVERIFY(newer.has("lm_head.weight"));
    QCOMPARE(newer.tensors.size(), part->tensors.size() + 1);
    for (const auto& [name, view] : part->tensors)
      QCOMPARE(newer.tensor(name).describe(), view.describe());
    QCOMPARE(checkpoint::skippedModulesText(newer), checkpoint::skippedModulesText(*part));
  }

  /// Fields of the outer config apply to the language model; its own sizes take precedence.
  void takesOverWhatIsSaidOfTheWhole() {
    Checkpoint whole = wholeFile();
    whole.config["eos_token_id"] = {1, 106};
    whole.config["quantization_config"] = {{"quant_method", "bitsandbytes"}};
    whole.config["hidden_size"] = 7;
    checkpoint::reduceToLanguageModel(whole);
    QVERIFY(whole.config.at("eos_token_id") == base::Json({1, 106}));
    QVERIFY(whole.config.at("quantization_config").at("quant_method") == base::Json("bitsandbytes"));
    QCOMPARE(whole.config.at("hidden_size").get<int>(), 32);
    QCOMPARE(whole.config.at("bos_token_id").get<int>(), 1);
  }

  void findsTheTargetsOfQuantizedFiles_data() {
    QTest::addColumn<QByteArray>("tensors");
    QTest::addColumn<QByteArray>("modules");
    for (const std::string& tensors : {kBefore, kInside})
      for (const std::string& modules : {kBefore, kInside})
        QTest::addRow("%s in %s", modules.c_str(), tensors.c_str())
            << QByteArray(tensors.c_str()) << QByteArray(modules.c_str());
  }
  /// Targets match by name, pattern and class, under the outer model's module names.
  void findsTheTargetsOfQuantizedFiles() {
    QFETCH(QByteArray, tensors);
    QFETCH(QByteArray, modules);
    const QTemporaryDir root;
    const auto part =
        checkpoint::openCheckpoint(writeQuantized(root, tensors.toStdString(), modules.toStdString()));
    const auto plain =
        checkpoint::openCheckpoint(test::projectFile("tests/golden/checkpoint/pack_quantized"));
    int layers = 0;
    for (const auto& [name, view] : plain->tensors)
      if (const std::string suffix = ".expected"; name.ends_with(suffix)) {
        const std::string prefix = name.substr(0, name.size() - suffix.size());
        const auto read = std::get<tensor::QuantizedTensor>(checkpoint::readCompressed(*part, prefix).weight);
        QVERIFY2(read.dequantize() == tensor::toMatrix(view), prefix.c_str());
        ++layers;
      }
    QCOMPARE(layers, 18);
  }

  /// Targets with names of a plain language model do not match here; the class's group of 8 bits remains.
  void targetsOfOtherModelsDoNotMatch() {
    const QTemporaryDir root;
    const auto part = checkpoint::openCheckpoint(writeQuantized(root, kBefore, "model."));
    try {
      checkpoint::readCompressed(*part, "model.layers.4.mlp.up_proj");
      QFAIL("read");
    } catch (const base::Error& error) {
      QVERIFY2(std::string(error.what()).find("weight_packed': expected [5, 12] I32, found [5, 6] I32") !=
                   std::string::npos,
               error.what());
    }
  }

  void refusesTensorsThatAreThereTwice() {
    Checkpoint whole = wholeFile();
    whole.tensors["model.language_model.norm.weight"] = whole.tensor(kBefore + "norm.weight");
    try {
      checkpoint::reduceToLanguageModel(whole);
      QFAIL("kept");
    } catch (const base::Error& error) {
      QVERIFY(error.code() == base::ErrorCode::Corrupt);
      QVERIFY2(std::string(error.what()).find("'model.norm.weight' twice") != std::string::npos,
               error.what());
    }
  }

  void leavesLanguageModelsAlone() {
    const auto part = checkpoint::openCheckpoint(test::projectFile("tests/golden/model/gemma3"));
    QVERIFY(!part->skippedModules.has_value());
    QVERIFY(checkpoint::skippedModulesText(*part).empty());
  }
};

NIB_TEST(LanguagePartTest)
#include "language_part_test.moc"
