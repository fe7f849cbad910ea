// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "base/file.hpp"
#include "memory_checkpoint.hpp"
#include "nib_test.hpp"

#include <QTemporaryDir>
#include <QTest>

#include <limits>

using namespace nibblesmith;
using base::ErrorCode;
using test::TinyLlama;

namespace {

/// Returns true if opening fails with this code and a message that contains every word.
bool fails(const std::shared_ptr<checkpoint::Checkpoint>& checkpoint, ErrorCode code,
           const std::vector<std::string>& words) {
  try {
    model::openModel(checkpoint);
  } catch (const base::Error& error) {
    const std::string message = error.what();
    for (const std::string& word : words)
      if (message.find(word) == std::string::npos) {
        qWarning("%s: '%s' is missing", message.c_str(), word.c_str());
        return false;
      }
    if (error.code() != code)
      qWarning("%s: another code", message.c_str());
    return error.code() == code;
  }
  qWarning("opened");
  return false;
}

std::shared_ptr<checkpoint::Checkpoint> changed(const char* key, const base::Json& value) {
  const auto checkpoint = TinyLlama{}.huggingFace();
  checkpoint->config[key] = value;
  return checkpoint;
}

std::shared_ptr<checkpoint::Checkpoint> changedGguf(const char* key, const base::Json& value) {
  const auto checkpoint = TinyLlama{}.gguf();
  checkpoint->config[key] = value;
  return checkpoint;
}

} // namespace

class LlamaConfigTest : public QObject {
  Q_OBJECT

private slots:
  void readsBothFormatsEqually() {
    for (const auto& checkpoint : {TinyLlama{}.huggingFace(), TinyLlama{}.gguf()}) {
      const auto config = model::openModel(checkpoint)->config();
      QCOMPARE(config.family, std::string("llama"));
      QCOMPARE(config.hiddenSize, 32);
      QCOMPARE(config.intermediateSize, 48);
      QCOMPARE(config.numLayers, 2);
      QCOMPARE(config.numHeads, 4);
      QCOMPARE(config.numKeyValueHeads, 2);
      QCOMPARE(config.headDim, 8);
      QCOMPARE(config.vocabularySize, 40);
      QCOMPARE(config.maxPositions, 640);
      QCOMPARE(config.norm.epsilon, 1e-5f);
      QCOMPARE(config.rotary().theta, 1000.0f);
      QCOMPARE(config.tiedEmbeddings, false);
      QCOMPARE(config.bos, 1);
      QCOMPARE(config.eos, std::vector<int32_t>{2});
    }
  }

  void fillsInWhatFilesLeaveOut() {
    const auto checkpoint = TinyLlama{}.huggingFace();
    checkpoint->config.erase("head_dim");
    QCOMPARE(model::openModel(checkpoint)->config().headDim, 8);
    const auto gguf = TinyLlama{}.gguf();
    gguf->config.erase("llama.attention.key_length");
    gguf->config.erase("llama.attention.value_length");
    gguf->config.erase("llama.rope.freq_base");
    QCOMPARE(model::openModel(gguf)->config().headDim, 8);
    QCOMPARE(model::openModel(gguf)->config().rotary().theta, 10000.0f);
  }

  void readsRopeParametersOfNewerTransformers() {
    const auto checkpoint = TinyLlama{}.huggingFace();
    checkpoint->config.erase("rope_theta");
    checkpoint->config["rope_parameters"] = {{"rope_type", "default"}, {"rope_theta", 500.0}};
    QCOMPARE(model::openModel(checkpoint)->config().rotary().theta, 500.0f);
  }

  /// Each id is compared with those before it, so an unlimited list would take quadratic time.
  void refusesEndlessListsOfEndTokens() {
    const base::Json many(std::vector<int>(1'000'000, 3));
    const auto bad = ErrorCode::NotSupported;
    QVERIFY(fails(changed("eos_token_id", many), bad, {"config.json: 'eos_token_id'", "256", "1000000"}));
    const char* key = "tokenizer.ggml.eos_token_ids";
    QVERIFY(fails(changedGguf(key, many), bad, {key, "256", "1000000"}));
    const QTemporaryDir directory;
    const auto checkpoint = TinyLlama{}.huggingFace();
    checkpoint->path = directory.path().toStdString();
    base::writeFileAtomically(checkpoint->path / "generation_config.json",
                              base::Json{{"eos_token_id", many}}.dump());
    QVERIFY(fails(checkpoint, bad, {"generation_config.json: 'eos_token_id'", "256", "1000000"}));
    // As many as are allowed.
    const base::Json most(std::vector<int>(256, 3));
    QCOMPARE(model::openModel(changed("eos_token_id", most))->config().eos, std::vector<int32_t>{3});
  }

  void collectsEndTokens() {
    QTemporaryDir directory;
    const auto checkpoint = changed("eos_token_id", {2, 9});
    checkpoint->path = directory.path().toStdString();
    base::writeFileAtomically(checkpoint->path / "generation_config.json", R"({"eos_token_id": [9, 11]})");
    QCOMPARE(model::openModel(checkpoint)->config().eos, (std::vector<int32_t>{2, 9, 11}));
    base::writeFileAtomically(checkpoint->path / "generation_config.json", R"({"eos_token_id": "x"})");
    QVERIFY(fails(checkpoint, ErrorCode::Corrupt, {"generation_config.json", "eos_token_id", "\"x\""}));
    QCOMPARE(model::openModel(changed("eos_token_id", nullptr))->config().eos, std::vector<int32_t>{});
    const auto gguf = changedGguf("tokenizer.ggml.eot_token_id", 7);
    QCOMPARE(model::openModel(gguf)->config().eos, (std::vector<int32_t>{2, 7}));
  }

  void namesUnknownArchitectures() {
    QVERIFY(fails(changed("model_type", "mamba"), ErrorCode::NotSupported,
                  {"/nowhere/tiny/config.json", "model_type", "mamba", "llama", "mistral"}));
    QVERIFY(fails(changedGguf("general.architecture", "bloom"), ErrorCode::NotSupported,
                  {"/nowhere/tiny.gguf", "general.architecture", "bloom", "llama"}));
    const auto checkpoint = TinyLlama{}.huggingFace();
    checkpoint->config.erase("model_type");
    QVERIFY(fails(checkpoint, ErrorCode::Corrupt, {"model_type"}));
  }

  void refusesWhatTheDecoderHasNot() {
    const auto no = ErrorCode::NotSupported;
    QVERIFY(fails(changed("rope_scaling", {{"rope_type", "longrope"}}), ErrorCode::Corrupt,
                  {"rope_scaling", "short_factor"}));
    QVERIFY(
        fails(changed("rope_scaling", {{"type", "exotic"}, {"factor", 2}}), no, {"rope_scaling", "exotic"}));
    QVERIFY(fails(changed("rope_scaling", {{"type", "linear"}, {"factor", -2}}), ErrorCode::Corrupt,
                  {"rope_scaling", "factor", "-2"}));
    QVERIFY(fails(changed("rope_parameters", {{"rope_type", "llama3"}}), ErrorCode::Corrupt,
                  {"rope_parameters", "factor"}));
    QVERIFY(fails(changed("hidden_act", "relu"), no, {"hidden_act", "relu"}));
    QVERIFY(fails(changed("num_local_experts", 8), no, {"num_local_experts", "mixtures of experts", "8"}));
    QVERIFY(fails(changed("sliding_window", 64), no, {"sliding_window", "64"}));
    QVERIFY(fails(changed("partial_rotary_factor", 0.5), no, {"partial_rotary_factor"}));
    QVERIFY(fails(changed("quantization_config", {{"quant_method", "quip"}}), no,
                  {"quant_method", "quip", "gptq", "awq", "fp8"}));
    QVERIFY(fails(changedGguf("llama.rope.scaling.type", "exotic"), no, {"rope.scaling.type", "exotic"}));
    QVERIFY(
        fails(changedGguf("llama.rope.scaling.type", "yarn"), ErrorCode::Corrupt, {"rope.scaling.factor"}));
    QVERIFY(fails(changedGguf("llama.rope.scaling.type", "longrope"), ErrorCode::NotFound,
                  {"rope_factors_short.weight"}));
    QVERIFY(fails(changedGguf("llama.expert_count", 8), no, {"expert_count", "8"}));
    QVERIFY(fails(changedGguf("llama.rope.dimension_count", 4), no, {"dimension_count", "4", "8"}));
    QVERIFY(fails(changedGguf("llama.attention.head_count_kv", {2, 1}), no, {"head_count_kv", "list"}));
    // Values that change nothing are accepted.
    QVERIFY(model::openModel(changed("rope_scaling", nullptr)));
    QVERIFY(model::openModel(changed("rope_scaling", {{"rope_type", "default"}})));
    QVERIFY(model::openModel(changed("sliding_window", 640)));
    QVERIFY(model::openModel(changed("model_type", "mistral")));
  }

  void refusesImpossibleSizes() {
    const auto bad = ErrorCode::Corrupt;
    QVERIFY(fails(changed("hidden_size", 0), bad, {"hidden size", "found 0"}));
    QVERIFY(fails(changed("hidden_size", -32), bad, {"hidden size", "-32"}));
    QVERIFY(fails(changed("hidden_size", int64_t{1} << 40), bad, {"hidden size"}));
    QVERIFY(fails(changed("num_hidden_layers", int64_t{1} << 31), bad, {"layers"}));
    QVERIFY(fails(changed("num_key_value_heads", 3), bad, {"key-value heads", "divisor", "found 3"}));
    QVERIFY(fails(changed("num_attention_heads", 0), bad, {"heads"}));
    QVERIFY(fails(changed("head_dim", 7), bad, {"head dimension", "even", "7"}));
    QVERIFY(fails(changed("vocab_size", std::numeric_limits<int64_t>::max()), bad, {"vocabulary"}));
    QVERIFY(fails(changed("eos_token_id", {2, 4000}), bad, {"eos_token_id", "below", "4000"}));
    QVERIFY(fails(changed("bos_token_id", 4000), bad, {"bos_token_id", "below", "4000"}));
    QVERIFY(fails(changed("rms_norm_eps", -1.0), bad, {"epsilon"}));
    QVERIFY(fails(changed("rope_theta", 0.0), bad, {"rope theta"}));
    QVERIFY(fails(changed("hidden_size", "32"), bad, {"hidden_size", "an integer"}));
    const auto undivided = changed("num_attention_heads", 5);
    undivided->config.erase("head_dim");
    QVERIFY(fails(undivided, bad, {"heads", "divisor", "32", "5"}));
    QVERIFY(fails(changedGguf("llama.block_count", 0), bad, {"layers"}));
  }
};

NIB_TEST(LlamaConfigTest)
#include "llama_config_test.moc"
