// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "checkpoint/language_part.hpp"
#include "model/family.hpp"
#include "nib_test.hpp"

#include <QTest>

#include <functional>

using namespace nibblesmith;

namespace {

/// Configuration of google/gemma-3-4b-it, which omits heads, vocabulary and context length; tensors have
/// shapes but no bytes.
std::shared_ptr<checkpoint::Checkpoint> published() {
  auto made = std::make_shared<checkpoint::Checkpoint>();
  made->path = "/nowhere/gemma-3-4b-it";
  made->config = base::Json::parse(R"({
    "architectures": ["Gemma3ForConditionalGeneration"], "boi_token_index": 255999, "eoi_token_index": 256000,
    "eos_token_id": [1, 106], "image_token_index": 262144, "initializer_range": 0.02, "mm_tokens_per_image": 256,
    "model_type": "gemma3",
    "text_config": {"hidden_size": 2560, "intermediate_size": 10240, "model_type": "gemma3_text", "num_hidden_layers": 34,
                    "rope_scaling": {"factor": 8.0, "rope_type": "linear"}, "sliding_window": 1024},
    "torch_dtype": "bfloat16",
    "vision_config": {"hidden_size": 1152, "image_size": 896, "model_type": "siglip_vision_model"}})");
  const auto add = [&](const std::string& name, std::vector<int64_t> shape) {
    made->tensors[name] = {tensor::DType::BF16, std::move(shape), {}, nullptr};
  };
  add("vision_tower.vision_model.post_layernorm.weight", {1152});
  add("language_model.model.embed_tokens.weight", {262208, 2560});
  add("language_model.model.norm.weight", {2560});
  for (int layer = 0; layer < 34; ++layer) {
    const std::string prefix = "language_model.model.layers." + std::to_string(layer) + ".";
    for (const char* norm : {"input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm",
                             "post_feedforward_layernorm"})
      add(prefix + norm + ".weight", {2560});
    add(prefix + "self_attn.q_norm.weight", {256});
    add(prefix + "self_attn.k_norm.weight", {256});
    add(prefix + "self_attn.q_proj.weight", {2048, 2560});
    add(prefix + "self_attn.k_proj.weight", {1024, 2560});
    add(prefix + "self_attn.v_proj.weight", {1024, 2560});
    add(prefix + "self_attn.o_proj.weight", {2560, 2048});
    add(prefix + "mlp.gate_proj.weight", {10240, 2560});
    add(prefix + "mlp.up_proj.weight", {10240, 2560});
    add(prefix + "mlp.down_proj.weight", {2560, 10240});
  }
  return made;
}

/// Returns the message of the error that opening a changed configuration throws; empty if it succeeds.
std::string refusal(const std::function<void(base::Json&)>& change) {
  const auto whole = published();
  change(whole->config);
  try {
    checkpoint::reduceToLanguageModel(*whole);
    model::openModel(whole);
  } catch (const base::Error& error) {
    return error.what();
  }
  return {};
}

} // namespace

class Gemma3ConfigTest : public QObject {
  Q_OBJECT

private slots:
  void readsThePublishedFile() {
    const auto checkpoint = published();
    checkpoint::reduceToLanguageModel(*checkpoint);
    const auto opened = model::openModel(checkpoint);
    const model::ModelConfig& c = opened->config();
    QCOMPARE(c.family, std::string("gemma3"));
    QCOMPARE(c.numHeads, 8);
    QCOMPARE(c.numKeyValueHeads, 4);
    QCOMPARE(c.headDim, 256);
    QCOMPARE(c.vocabularySize, 262208);
    QCOMPARE(c.maxPositions, 131072);
    QCOMPARE(c.norm.epsilon, 1e-6f);
    QCOMPARE(c.scoreScale(), 1.0f / 16);
    QVERIFY(c.tiedEmbeddings);
    QCOMPARE(c.eos, (std::vector<int32_t>{1, 106}));
    QCOMPARE(c.attention.size(), size_t{2});
    QCOMPARE(c.attention[1].window, 1024);
    QCOMPARE(c.rotary().theta, 1e6f);
    QCOMPARE(c.rotary().divisors, std::vector<float>(128, 8.0f));
    QCOMPARE(c.attention[1].rotary.theta, 1e4f);
    QVERIFY(c.attention[1].rotary.divisors.empty());
    for (int64_t layer = 0; layer < 34; ++layer)
      QCOMPARE(c.attentionKind(layer).window > 0, (layer + 1) % 6 != 0);
  }

  /// An exported artifact is a pure language model and states every field that the source left to defaults.
  void configurationIsThatOfALanguageModel() {
    const auto checkpoint = published();
    checkpoint::reduceToLanguageModel(*checkpoint);
    const base::Json json = model::configJson(*model::openModel(checkpoint));
    QVERIFY(json.at("architectures") == base::Json::array({"Gemma3ForCausalLM"}));
    QVERIFY(json.at("model_type") == base::Json("gemma3_text"));
    QCOMPARE(json.at("num_attention_heads").get<int>(), 8);
    QCOMPARE(json.at("query_pre_attn_scalar").get<int>(), 256);
    QVERIFY(json.at("rope_scaling") == base::Json::parse(R"({"factor": 8.0, "rope_type": "linear"})"));
  }

  void otherWholesAreRefused() {
    const std::string text = refusal([](base::Json& config) { config["model_type"] = "llava"; });
    QVERIFY2(text.find("config.json: 'model_type'") != std::string::npos &&
                 text.find("\"llava\"") != std::string::npos,
             text.c_str());
    QVERIFY(refusal([](base::Json&) {}).empty());
  }

  void refusalsNameThePart() {
    const std::string text = refusal([](base::Json& config) { config["text_config"].erase("hidden_size"); });
    QVERIFY2(text.find("config.json: 'text_config': 'hidden_size'") != std::string::npos, text.c_str());
  }
};

NIB_TEST(Gemma3ConfigTest)
#include "gemma3_config_test.moc"
