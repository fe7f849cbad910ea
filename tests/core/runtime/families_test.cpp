// SPDX-License-Identifier: Apache-2.0
#include "base/thread_pool.hpp"
#include "exact_cache.hpp"
#include "model/family.hpp"
#include "model/rotated_model.hpp"
#include "nib_test.hpp"
#include "runtime/decoder.hpp"
#include "test_data.hpp"

#include <QTest>

using namespace nibblesmith;
using namespace nibblesmith::runtime;
using tensor::Matrix;
using tokenizer::TokenId;

namespace {

/// Tolerance of the logits in f32.
constexpr float kTolerance = 1e-4f;
/// Smallest difference that a wrong interpretation must cause.
constexpr float kSeen = 1e-2f;

/// Results of transformers, see tests/golden/model/make_families.py.
struct Golden {
  std::shared_ptr<const checkpoint::Checkpoint> checkpoint;
  std::vector<TokenId> tokens;
  std::vector<int64_t> positions;
  Matrix logits; ///< [positions, vocabularySize]
};

Golden readGolden(const std::string& name, const char* file = "expected.json") {
  const auto directory = test::projectFile("tests/golden/model") / name;
  const base::Json expected = base::readJsonFile(directory / file);
  Golden golden{checkpoint::openCheckpoint(directory),
                expected.at("ids").get<std::vector<TokenId>>(),
                expected.at("positions").get<std::vector<int64_t>>(),
                {}};
  const auto rows = expected.at("logits").get<std::vector<std::vector<float>>>();
  golden.logits.resize(std::ssize(rows), std::ssize(rows.front()));
  for (int64_t t = 0; t < golden.logits.rows(); ++t)
    golden.logits.row(t) =
        Eigen::Map<const Eigen::RowVectorXf>(rows[static_cast<size_t>(t)].data(), golden.logits.cols());
  return golden;
}

/// Returns all logits [tokens, vocabularySize]; `steps` gives the tokens per step, the last one repeated.
Matrix logitsOf(const std::shared_ptr<const checkpoint::Checkpoint>& checkpoint,
                const std::vector<TokenId>& tokens, const std::vector<size_t>& steps, int threads = 1,
                int64_t context = 0) {
  base::ThreadPool pool(threads);
  const Decoder decoder(model::openModel(checkpoint), WeightStorage::AsStored, pool);
  KvCache cache(test::exactly(decoder.config()), context > 0 ? context : std::ssize(tokens));
  Matrix logits(std::ssize(tokens), decoder.config().vocabularySize);
  for (size_t at = 0, i = 0; at < tokens.size(); ++i) {
    const size_t step = std::min(steps[std::min(i, steps.size() - 1)], tokens.size() - at);
    logits.middleRows(static_cast<int64_t>(at), static_cast<int64_t>(step)) =
        decoder.forward(std::span(tokens).subspan(at, step), cache, LogitsFor::AllTokens);
    at += step;
  }
  return logits;
}

float furthest(const Golden& golden, const Matrix& logits) {
  float distance = 0;
  for (size_t i = 0; i < golden.positions.size(); ++i)
    distance = std::max(
        distance,
        (logits.row(golden.positions[i]) - golden.logits.row(static_cast<int64_t>(i))).cwiseAbs().maxCoeff());
  return distance;
}

float furthest(const Golden& golden, const std::shared_ptr<const checkpoint::Checkpoint>& checkpoint) {
  return furthest(golden, logitsOf(checkpoint, golden.tokens, {golden.tokens.size()}));
}

/// Adds columns for rows that change one value of the configuration.
void addChangeColumns() {
  QTest::addColumn<QString>("name");
  QTest::addColumn<QString>("pointer");
  QTest::addColumn<QString>("value");
}

void addChange(const char* name, const char* pointer, const char* value) {
  QTest::addRow("%s %s = %s", name, pointer, value) << name << pointer << value;
}

/// Distance of the logits after the row's change from those of the file.
float distanceOfChange(const char* file) {
  QFETCH(QString, name);
  QFETCH(QString, pointer);
  QFETCH(QString, value);
  const Golden golden = readGolden(name.toStdString(), file);
  auto changed = std::make_shared<checkpoint::Checkpoint>(*golden.checkpoint);
  changed->config[base::Json::json_pointer(pointer.toStdString())] = base::Json::parse(value.toStdString());
  return furthest(golden, changed);
}

} // namespace

/// Compares every family with transformers, with negative controls for its particularities.
class FamiliesTest : public QObject {
  Q_OBJECT

private slots:
  void agreesWithTransformers_data() {
    QTest::addColumn<QString>("name");
    QTest::addColumn<QString>("family");
    for (const auto& [name, family] : {std::pair("llama3", "llama"),
                                       {"llama_linear", "llama"},
                                       {"llama_yarn", "llama"},
                                       {"llama_dynamic", "llama"},
                                       {"mistral", "llama"},
                                       {"qwen2", "qwen2"},
                                       {"qwen3", "qwen3"},
                                       {"gemma", "gemma"},
                                       {"gemma2", "gemma2"},
                                       {"gemma3", "gemma3"},
                                       {"gemma3_pictures", "gemma3"},
                                       {"phi3", "phi3"},
                                       {"phi3_longrope", "phi3"},
                                       {"phi2", "phi2"},
                                       {"gpt_neox", "gptneox"},
                                       {"gpt_neox_sequential", "gptneox"},
                                       {"gpt2", "gpt2"},
                                       {"qwen1", "qwen"}})
      QTest::newRow(name) << name << family;
  }
  void agreesWithTransformers() {
    QFETCH(QString, name);
    QFETCH(QString, family);
    const Golden golden = readGolden(name.toStdString());
    QCOMPARE(model::openModel(golden.checkpoint)->config().family, family.toStdString());
    QVERIFY(golden.logits.cwiseAbs().maxCoeff() > 1.0f);
    const Matrix whole = logitsOf(golden.checkpoint, golden.tokens, {golden.tokens.size()});
    QVERIFY2(furthest(golden, whole) < kTolerance, qPrintable(QString::number(furthest(golden, whole))));
    // With the KV cache: token by token, and in steps that end before and after window boundaries.
    for (const std::vector<size_t>& steps : {std::vector<size_t>{1}, {7, 1, 1, 9, 2, 20}}) {
      const Matrix parts = logitsOf(golden.checkpoint, golden.tokens, steps);
      QVERIFY2(furthest(golden, parts) < kTolerance, qPrintable(QString::number(furthest(golden, parts))));
      QVERIFY((parts - whole).cwiseAbs().maxCoeff() < kTolerance);
    }
    QVERIFY(whole == logitsOf(golden.checkpoint, golden.tokens, {golden.tokens.size()}, 3));
  }

  void wrongConfigurationsAreDetected_data() {
    addChangeColumns();
    const auto add = addChange;
    const char* theta = "/rope_parameters/rope_theta";
    for (const char* name : {"llama3", "llama_linear", "llama_yarn", "llama_dynamic", "mistral", "qwen2",
                             "qwen3", "gemma", "gemma2", "phi3", "phi2", "gpt_neox", "gpt_neox_sequential"})
      add(name, theta, "600");
    add("llama3", "/rope_parameters/rope_type", "\"default\"");
    add("llama3", "/rope_parameters/factor", "4");
    add("llama3", "/rope_parameters/low_freq_factor", "2");
    add("llama3", "/rope_parameters/high_freq_factor", "8");
    add("llama3", "/rope_parameters/original_max_position_embeddings", "64");
    add("llama_linear", "/rope_parameters/factor", "2");
    add("llama_yarn", "/rope_parameters/factor", "2");
    add("llama_yarn", "/rope_parameters/original_max_position_embeddings", "16");
    add("llama_yarn", "/rope_parameters/attention_factor", "1");
    for (const char* name : {"mistral", "qwen2", "gemma2", "gemma3", "phi3"}) {
      add(name, "/sliding_window", "127");
      add(name, "/sliding_window", "6");
    }
    add("phi3_longrope", "/rope_parameters/short_factor/1", "1.6");
    add("phi3", "/rope_parameters/partial_rotary_factor", "0.5");
    add("phi3_longrope", "/rope_parameters/attention_factor", "1");
    add("mistral", "/sliding_window", "10");
    add("mistral", "/sliding_window", "null");
    add("qwen2", "/use_sliding_window", "false");
    add("qwen2", "/layer_types/0", "\"sliding_attention\"");
    add("gemma", "/rms_norm_eps", "0.01");
    add("gemma", "/hidden_act", "\"silu\"");
    add("gemma2", "/hidden_activation", "\"silu\"");
    add("gemma2", "/query_pre_attn_scalar", "12");
    add("gemma2", "/attn_logit_softcapping", "null");
    add("gemma2", "/final_logit_softcapping", "null");
    add("gemma2", "/layer_types/1", "\"sliding_attention\"");
    add("gemma3", "/query_pre_attn_scalar", "12");
    add("gemma3", "/layer_types/5", "\"sliding_attention\"");
    add("gemma3", "/layer_types/2", "\"full_attention\"");
    add("gemma3", "/rope_parameters/full_attention/rope_theta", "500");
    add("gemma3", "/rope_parameters/full_attention/factor", "2");
    add("gemma3", "/rope_parameters/sliding_attention/rope_theta", "130");
    add("gemma3_pictures", "/rope_parameters/full_attention/factor", "2");
    add("gemma3_pictures", "/rope_parameters/sliding_attention/rope_theta", "130");
    add("gemma3_pictures", "/layer_types/2", "\"sliding_attention\"");
    add("phi2", "/rope_parameters/partial_rotary_factor", "0.2");
    add("phi2", "/layer_norm_eps", "0.1");
    add("phi2", "/hidden_act", "\"silu\"");
    for (const char* name : {"gpt_neox", "gpt_neox_sequential"})
      add(name, "/rope_parameters/partial_rotary_factor", "0.5");
    add("gpt_neox", "/use_parallel_residual", "false");
    add("gpt_neox_sequential", "/use_parallel_residual", "true");
    add("gpt_neox", "/layer_norm_eps", "0.1");
    add("gpt2", "/scale_attn_weights", "false");
    add("gpt2", "/n_head", "2");
    add("gpt2", "/activation_function", "\"silu\"");
    add("gpt2", "/layer_norm_epsilon", "0.1");
    add("qwen1", "/rotary_emb_base", "600");
    add("qwen1", "/rotary_pct", "0.5");
    add("qwen1", "/layer_norm_epsilon", "0.1");
  }
  void wrongConfigurationsAreDetected() {
    const float distance = distanceOfChange("expected.json");
    QVERIFY2(distance > kSeen, qPrintable(QString::number(distance)));
  }

  /// Negative controls: tensors exchanged or changed, by their names within block 1.
  void wrongTensorsAreDetected_data() {
    QTest::addColumn<QString>("name");
    QTest::addColumn<QString>("first");
    QTest::addColumn<QString>("second");
    const auto add = [](const char* name, const char* first, const char* second) {
      QTest::addRow("%s %s", name, first) << name << first << second;
    };
    for (const char* name : {"llama3", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3"})
      add(name, "mlp.gate_proj.weight", "mlp.up_proj.weight");
    add("phi2", "self_attn.q_proj.bias", "self_attn.dense.bias");
    add("phi2", "input_layernorm.bias", "mlp.fc2.bias");
    for (const char* name : {"gpt_neox", "gpt_neox_sequential"}) {
      add(name, "input_layernorm.weight", "post_attention_layernorm.weight");
      add(name, "input_layernorm.bias", "post_attention_layernorm.bias");
    }
    add("gpt_neox_sequential", "attention.dense.bias", "mlp.dense_4h_to_h.bias");
    add("gpt2", "ln_1.weight", "ln_2.weight");
    add("gpt2", "ln_1.bias", "ln_2.bias");
    add("qwen1", "mlp.w1.weight", "mlp.w2.weight");
    add("qwen1", "ln_1.weight", "ln_2.weight");
    for (const char* name : {"qwen3", "gemma3"})
      add(name, "self_attn.q_norm.weight", "self_attn.k_norm.weight");
    add("qwen2", "self_attn.k_proj.bias", "self_attn.v_proj.bias");
    for (const char* name : {"gemma2", "gemma3"}) {
      add(name, "post_attention_layernorm.weight", "pre_feedforward_layernorm.weight");
      add(name, "input_layernorm.weight", "post_feedforward_layernorm.weight");
    }
  }
  void wrongTensorsAreDetected() {
    QFETCH(QString, name);
    QFETCH(QString, first);
    QFETCH(QString, second);
    const Golden golden = readGolden(name.toStdString());
    auto changed = std::make_shared<checkpoint::Checkpoint>(*golden.checkpoint);
    const std::string prefix =
        model::openModel(golden.checkpoint)->family().block.huggingFace + std::string("1.");
    std::swap(changed->tensors.at(prefix + first.toStdString()),
              changed->tensors.at(prefix + second.toStdString()));
    QVERIFY(furthest(golden, changed) > kSeen);
  }

  void fusedRowsInAnotherOrderAreDetected() {
    const Golden golden = readGolden("phi3");
    for (const char* name : {"self_attn.qkv_proj.weight", "mlp.gate_up_proj.weight"}) {
      auto changed = std::make_shared<checkpoint::Checkpoint>(*golden.checkpoint);
      auto& view = changed->tensors.at(std::string("model.layers.1.") + name);
      Matrix rows = tensor::toMatrix(view);
      const Matrix last = rows.bottomRows(16);
      rows.bottomRows(16) = rows.middleRows(rows.rows() - 48, 16).eval();
      rows.middleRows(rows.rows() - 48, 16) = last;
      view = tensor::ownedView(rows);
      QVERIFY(furthest(golden, changed) > kSeen);
    }
  }

  void headsAsBlocksAreDetected() {
    const Golden golden = readGolden("gpt_neox");
    auto changed = std::make_shared<checkpoint::Checkpoint>(*golden.checkpoint);
    auto& view = changed->tensors.at("gpt_neox.layers.1.attention.query_key_value.weight");
    const Matrix heads = tensor::toMatrix(view);
    Matrix blocks(heads.rows(), heads.cols());
    for (int64_t head = 0; head < 2; ++head)
      for (int64_t part = 0; part < 3; ++part)
        blocks.middleRows((2 * part + head) * 16, 16) = heads.middleRows((3 * head + part) * 16, 16);
    view = tensor::ownedView(blocks);
    QVERIFY(furthest(golden, changed) > kSeen);
  }

  /// Negative control: a transposed square matrix has the right shape but gives other logits.
  void transposedMatricesAreDetected() {
    const Golden golden = readGolden("gpt2");
    auto changed = std::make_shared<checkpoint::Checkpoint>(*golden.checkpoint);
    auto& view = changed->tensors.at("transformer.h.1.attn.c_proj.weight");
    QCOMPARE(view.rows(), view.cols());
    view = model::transposed(view);
    QVERIFY(furthest(golden, changed) > kSeen);
  }

  /// Negative control: the tanh approximation differs from GELU by at most 5e-4.
  void approximationOfGeluIsDetected() {
    const Golden golden = readGolden("gpt_neox");
    auto changed = std::make_shared<checkpoint::Checkpoint>(*golden.checkpoint);
    changed->config["hidden_act"] = "gelu_new";
    const float distance = furthest(golden, changed);
    QVERIFY2(distance > 3 * kTolerance, qPrintable(QString::number(distance)));
  }

  /// GPT-2's own files omit the prefix of the names.
  void readsNamesWithoutTheirPrefix() {
    const Golden golden = readGolden("gpt2");
    auto changed = std::make_shared<checkpoint::Checkpoint>(*golden.checkpoint);
    changed->tensors.clear();
    const std::string prefix = "transformer.";
    for (const auto& [name, view] : golden.checkpoint->tensors)
      changed->tensors[name.starts_with(prefix) ? name.substr(prefix.size()) : name] = view;
    QVERIFY(!changed->has("transformer.wte.weight"));
    QVERIFY(furthest(golden, changed) < kTolerance);
    QCOMPARE(model::openModel(changed)->block(1).linears.front().name,
             std::string("transformer.h.1.attn.c_attn"));
  }

  void textsEndWithTheLearnedPositions() {
    const Golden golden = readGolden("gpt2");
    base::ThreadPool pool(1);
    const Decoder decoder(model::openModel(golden.checkpoint), WeightStorage::AsStored, pool);
    KvCache cache(decoder.config(), 100);
    decoder.forward(std::vector<TokenId>(64, 5), cache, LogitsFor::LastToken);
    QVERIFY_EXCEPTION_THROWN(decoder.forward(std::vector<TokenId>(1, 5), cache, LogitsFor::LastToken),
                             base::Error);
  }

  /// Files of older transformers versions use other keys.
  void readsOlderConfigurations() {
    const auto older = [](const Golden& golden, const std::function<void(base::Json&)>& change) {
      auto changed = std::make_shared<checkpoint::Checkpoint>(*golden.checkpoint);
      for (const char* key : {"rope_parameters", "layer_types", "_sliding_window_pattern"})
        changed->config.erase(key);
      change(changed->config);
      return changed;
    };
    const Golden llama = readGolden("llama3");
    QVERIFY(furthest(llama, older(llama, [](base::Json& config) {
                       config["rope_theta"] = 500.0;
                       config["rope_scaling"] = {{"type", "llama3"},
                                                 {"factor", 8.0},
                                                 {"low_freq_factor", 1.0},
                                                 {"high_freq_factor", 4.0},
                                                 {"original_max_position_embeddings", 32}};
                     })) < kTolerance);
    const Golden qwen = readGolden("qwen2");
    QVERIFY(furthest(qwen, older(qwen, [](base::Json& config) { config["rope_theta"] = 500.0; })) <
            kTolerance);
    const Golden phi = readGolden("phi2");
    QVERIFY(furthest(phi, older(phi, [](base::Json& config) {
                       config["rope_theta"] = 500.0;
                       config["partial_rotary_factor"] = 0.4;
                     })) < kTolerance);
    const Golden neox = readGolden("gpt_neox");
    QVERIFY(furthest(neox, older(neox, [](base::Json& config) {
                       config["rotary_emb_base"] = 500;
                       config["rotary_pct"] = 0.25;
                     })) < kTolerance);
    const Golden gemma2 = readGolden("gemma2");
    QVERIFY(furthest(gemma2, older(gemma2, [](base::Json& config) { config["rope_theta"] = 500.0; })) <
            kTolerance);
    const Golden gemma3 = readGolden("gemma3");
    QVERIFY(furthest(gemma3, older(gemma3, [](base::Json& config) {
                       config["rope_theta"] = 5000.0;
                       config["rope_local_base_freq"] = 100.0;
                       config["rope_scaling"] = {{"rope_type", "linear"}, {"factor", 4.0}};
                     })) < kTolerance);
  }

  /// The capacity of a sequence decides, from its first token on, whether long-context scaling applies.
  void capacitySelectsLongContextScaling_data() {
    QTest::addColumn<QString>("name");
    QTest::addColumn<int64_t>("plain");
    QTest::addColumn<int64_t>("positions");
    QTest::addColumn<int64_t>("tokens");
    QTest::newRow("longrope") << "phi3_longrope" << int64_t{64} << int64_t{256} << int64_t{100};
    QTest::newRow("dynamic") << "llama_dynamic" << int64_t{128} << int64_t{512} << int64_t{200};
    QTest::newRow("Qwen 1") << "qwen1" << int64_t{64} << int64_t{256} << int64_t{150};
  }
  void capacitySelectsLongContextScaling() {
    QFETCH(QString, name);
    QFETCH(int64_t, plain);
    QFETCH(int64_t, positions);
    QFETCH(int64_t, tokens);
    const std::string directory = name.toStdString();
    const Golden shortText = readGolden(directory), longText = readGolden(directory, "expected_long.json");
    QCOMPARE(std::ssize(longText.tokens), tokens);
    QVERIFY(std::ranges::equal(shortText.tokens, std::span(longText.tokens).first(shortText.tokens.size())));
    const auto opened = model::openModel(longText.checkpoint);
    QCOMPARE(opened->config().unscaledPositions(), plain);
    QCOMPARE(opened->config().maxPositions, positions);
    for (const size_t step : {size_t{1}, size_t{7}, size_t{60}, static_cast<size_t>(tokens)}) {
      const float distance = furthest(longText, logitsOf(longText.checkpoint, longText.tokens, {step}));
      QVERIFY2(distance < kTolerance, qPrintable(QString::number(distance)));
      QVERIFY(furthest(shortText, logitsOf(shortText.checkpoint, shortText.tokens, {step}, 1, plain)) <
              kTolerance);
      QVERIFY(furthest(shortText, logitsOf(shortText.checkpoint, shortText.tokens, {step}, 1, 2 * plain)) >
              kSeen);
    }
  }

  void wrongLongContextScalingIsDetected_data() {
    addChangeColumns();
    const auto add = addChange;
    add("phi3_longrope", "/rope_parameters/long_factor/1", "4");
    add("llama_dynamic", "/rope_parameters/factor", "3.8");
    add("llama_dynamic", "/rope_parameters/rope_type", "\"default\"");
    add("llama_dynamic", "/max_position_embeddings", "130");
    add("qwen1", "/seq_length", "65");
    add("qwen1", "/seq_length", "80");
    add("qwen1", "/use_dynamic_ntk", "false");
    add("qwen1", "/use_logn_attn", "false");
  }
  void wrongLongContextScalingIsDetected() {
    const float distance = distanceOfChange("expected_long.json");
    QVERIFY2(distance > 20 * kTolerance, qPrintable(QString::number(distance)));
  }

  /// Qwen's rotary base stays the same up to twice the trained length; LogN attention and dynamic NTK are
  /// independent.
  void longContextOfQwen() {
    const Golden golden = readGolden("qwen1");
    const auto configWith = [&](const base::Json& change) {
      auto changed = std::make_shared<checkpoint::Checkpoint>(*golden.checkpoint);
      changed->config.update(change);
      return model::openModel(changed)->config();
    };
    const auto dynamicNtk = *configWith(base::Json::object()).rotary().dynamicNtk;
    for (const auto& [context, alpha] :
         {std::pair<int64_t, double>{1, 1}, {64, 1}, {65, 3}, {128, 3}, {129, 7}, {256, 7}, {257, 15}})
      QCOMPARE(dynamicNtk.factorFor(context), alpha);
    const auto logNOnly = configWith({{"use_dynamic_ntk", false}});
    QVERIFY(!logNOnly.rotary().dynamicNtk && logNOnly.unscaledPositions() == 64);
    const auto ntkOnly = configWith({{"use_logn_attn", false}});
    QVERIFY(ntkOnly.logNAttentionFrom == 0 && ntkOnly.unscaledPositions() == 64);
    QCOMPARE(configWith({{"use_dynamic_ntk", false}, {"use_logn_attn", false}}).unscaledPositions(),
             int64_t{256});
    QCOMPARE(configWith({{"seq_length", 8192}}).unscaledPositions(), int64_t{256});
    for (const int64_t wrong : {-1, 0, 1})
      QVERIFY_EXCEPTION_THROWN(configWith({{"seq_length", wrong}}), base::Error);
  }

  void longContextWithDynamicNtk() {
    const Golden golden = readGolden("llama_dynamic");
    const auto configWith = [&](const char* field, const base::Json& value) {
      auto changed = std::make_shared<checkpoint::Checkpoint>(*golden.checkpoint);
      changed->config["rope_parameters"][field] = value;
      return model::openModel(changed)->config();
    };
    QVERIFY(configWith("factor", 4.0).rotary().divisors.empty());
    QCOMPARE(configWith("factor", 2.5).maxPositions, int64_t{320});
    QCOMPARE(configWith("factor", 0.5).maxPositions, int64_t{128});
    const auto refuses = [&](const char* field, const base::Json& value, base::ErrorCode code,
                             const char* named) {
      try {
        configWith(field, value);
      } catch (const base::Error& error) {
        return error.code() == code && std::string(error.what()).find(named) != std::string::npos;
      }
      return false;
    };
    QVERIFY(refuses("alpha", 1000.0, base::ErrorCode::NotSupported, "alpha"));
    QVERIFY(refuses("factor", -1.0, base::ErrorCode::Corrupt, "factor"));
    QVERIFY(refuses("factor", nullptr, base::ErrorCode::Corrupt, "factor"));
    QVERIFY(refuses("factor", 1e9, base::ErrorCode::Corrupt, "maximum positions"));
  }

  void rotationsComputeTheSame_data() {
    QTest::addColumn<QString>("name");
    QTest::addColumn<bool>("possible");
    for (const char* name : {"llama3", "qwen2", "qwen3"})
      QTest::newRow(name) << name << true;
    for (const char* name : {"gemma", "gemma2", "gemma3", "phi3"})
      QTest::newRow(name) << name << false;
  }
  void rotationsComputeTheSame() {
    QFETCH(QString, name);
    QFETCH(bool, possible);
    const Golden golden = readGolden(name.toStdString());
    const auto source = model::openModel(golden.checkpoint);
    const model::RotationOptions options{true, true, 11, tensor::DType::F32};
    if (!possible) {
      QVERIFY_EXCEPTION_THROWN(model::rotated(source, options), base::Error);
      return;
    }
    const auto rotated = model::rotated(source, options).model;
    base::ThreadPool pool(1);
    const Decoder decoder(rotated, WeightStorage::AsStored, pool);
    KvCache cache(test::exactly(decoder.config()), std::ssize(golden.tokens));
    QVERIFY(furthest(golden, decoder.forward(golden.tokens, cache, LogitsFor::AllTokens)) < kTolerance);
    QVERIFY(model::toMatrix(rotated->block(0).linears[0].weight) !=
            model::toMatrix(source->block(0).linears[0].weight));
  }

  void refusesWhatTheDecoderHasNot() {
    const auto errorOf = [](const char* name, const char* key, const base::Json& value) -> std::string {
      const Golden golden = readGolden(name);
      auto changed = std::make_shared<checkpoint::Checkpoint>(*golden.checkpoint);
      changed->config[key] = value;
      try {
        model::openModel(changed);
      } catch (const base::Error& error) {
        return error.what();
      }
      return "accepted";
    };
    const auto has = [](const std::string& text, const char* word) {
      return text.find(word) != std::string::npos;
    };
    QVERIFY(has(errorOf("phi3", "rope_parameters", {{"rope_type", "longrope"}}), "short_factor"));
    QVERIFY(has(errorOf("phi3", "rope_parameters", {{"rope_type", "ntk"}}), "ntk"));
    QVERIFY(has(errorOf("qwen2", "layer_types", {"full_attention"}), "layer_types"));
    QVERIFY(has(errorOf("qwen2", "layer_types", {"full_attention", "linear_attention", "full_attention"}),
                "linear_attention"));
    QVERIFY(has(errorOf("qwen3", "num_experts", 8), "num_experts"));
    QVERIFY(has(errorOf("gemma3", "use_bidirectional_attention", true), "use_bidirectional_attention"));
    QVERIFY(has(errorOf("gemma2", "query_pre_attn_scalar", 0), "query_pre_attn_scalar"));
    QVERIFY(has(errorOf("gemma2", "attn_logit_softcapping", -1), "soft cap"));
    QVERIFY(has(errorOf("mistral", "sliding_window", 0), "sliding_window"));
    QVERIFY(has(errorOf("phi2", "qk_layernorm", true), "qk_layernorm"));
    QVERIFY(has(errorOf("phi2", "tie_word_embeddings", true), "output head"));
    QVERIFY(has(errorOf("gpt_neox", "attention_bias", false), "attention_bias"));
    QVERIFY(has(errorOf("gpt_neox", "num_key_value_heads", 1), "key-value heads"));
    QVERIFY(has(
        errorOf("gpt_neox", "rope_parameters", {{"rope_type", "default"}, {"partial_rotary_factor", 0.2}}),
        "rotary dimensions"));
    QVERIFY(has(errorOf("gpt2", "scale_attn_by_inverse_layer_idx", true), "scale_attn_by_inverse_layer_idx"));
    QVERIFY(has(errorOf("gpt2", "add_cross_attention", true), "add_cross_attention"));
    QVERIFY(has(errorOf("gpt2", "activation_function", "relu"), "activation_function"));
    QVERIFY(has(errorOf("gpt2", "n_inner", 100), "mlp.c_fc"));
    QVERIFY(has(errorOf("gpt2", "n_positions", 65), "wpe"));
    QVERIFY(has(errorOf("qwen1", "kv_channels", 8), "kv_channels"));
    QVERIFY(has(errorOf("qwen1", "intermediate_size", 177), "intermediate size"));
    QVERIFY(has(errorOf("qwen1", "tie_word_embeddings", true), "output head"));
    const std::string unknown = errorOf("llama3", "model_type", "gemma3");
    for (const char* type : {"llama", "mistral", "qwen2", "qwen3", "gemma2", "gemma3_text", "phi3", "phi",
                             "gpt_neox", "gpt2", "qwen"})
      QVERIFY2(has(unknown, type), unknown.c_str());
  }
};

NIB_TEST(FamiliesTest)
#include "families_test.moc"
