// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"
#include "model/family.hpp"
#include "quantization/engine.hpp"
#include "quantizers/gptq/method.hpp"
#include "quantizers/rtn/method.hpp"
#include "test_data.hpp"

#include <fstream>
#include <random>

namespace nibblesmith::test {

/// Small random model with Llama's structure, in memory.
class TestModel final : public model::Model {
public:
  explicit TestModel(uint32_t seed = 1, int64_t layers = 3) : m_generator(seed) {
    m_config.family = "llama";
    m_config.hiddenSize = 48;
    m_config.intermediateSize = 80;
    m_config.numLayers = layers;
    m_config.numHeads = 4;
    m_config.numKeyValueHeads = 2;
    m_config.headDim = 12;
    m_config.vocabularySize = 60;
    m_config.maxPositions = 64;
    m_config.attention.front().rotary.dimensions = 12;
    m_config.tiedEmbeddings = true;
    m_checkpoint.path = "test-model";
    add("embed", 60, 48, 1.0f);
    add("norm", 1, 48, 0.0f);
    for (int64_t b = 0; b < layers; ++b) {
      const std::string prefix = "model.layers." + std::to_string(b) + ".";
      add(prefix + "n1", 1, 48, 0.0f);
      add(prefix + "n2", 1, 48, 0.0f);
      for (const auto& [name, out, in, role] : shapes())
        add(prefix + name, out, in, 0.25f);
    }
  }

  const model::Family& family() const override { return model::kLlamaFamily; }
  const model::ModelConfig& config() const override { return m_config; }
  const checkpoint::Checkpoint& checkpoint() const override { return m_checkpoint; }
  tensor::TensorView embedding() const override { return m_checkpoint.tensor("embed"); }
  model::NormWeights finalNorm() const override { return {"model.norm", m_checkpoint.tensor("norm")}; }
  model::LinearWeights outputHead() const override { return {"lm_head", embedding(), std::nullopt}; }
  model::BlockWeights block(int64_t index) const override {
    const std::string prefix = "model.layers." + std::to_string(index) + ".";
    model::BlockWeights block{index, {}, {}};
    for (const auto& [name, role] :
         {std::pair("n1", model::NormRole::Attention), std::pair("n2", model::NormRole::Mlp)})
      block.norms.push_back({prefix + name, m_checkpoint.tensor(prefix + name), std::nullopt, role});
    for (const auto& [name, out, in, role] : shapes())
      block.linears.push_back(
          {prefix + name, m_checkpoint.tensor(prefix + name), std::nullopt, std::nullopt, role});
    return block;
  }
  /// Sets one weight, for instance to NaN.
  void set(const std::string& name, int64_t at, float value) {
    tensor::Matrix values = tensor::toMatrix(m_checkpoint.tensor(name));
    values.data()[at] = value;
    m_checkpoint.tensors[name] = tensor::ownedView(values);
  }

private:
  struct Shape {
    std::string name;
    int64_t out;
    int64_t in;
    model::LinearRole role;
  };
  static std::vector<Shape> shapes() {
    using Role = model::LinearRole;
    return {{"self_attn.q_proj", 48, 48, Role::Query}, {"self_attn.k_proj", 24, 48, Role::Key},
            {"self_attn.v_proj", 24, 48, Role::Value}, {"self_attn.o_proj", 48, 48, Role::Output},
            {"mlp.gate_proj", 80, 48, Role::Gate},     {"mlp.up_proj", 80, 48, Role::Up},
            {"mlp.down_proj", 48, 80, Role::Down}};
  }
  /// Adds random values around 1 if spread is 0 (norms), else around 0.
  void add(const std::string& name, int64_t rows, int64_t cols, float spread) {
    tensor::Matrix values(rows, cols);
    for (int64_t i = 0; i < values.size(); ++i) {
      const float random = static_cast<float>(m_generator() % 2001) / 1000.0f - 1.0f;
      values.data()[i] = spread > 0.0f ? spread * random : 1.0f + 0.3f * random;
    }
    tensor::TensorView view = tensor::ownedView(values);
    if (rows == 1)
      view.shape = {cols};
    m_checkpoint.tensors[name] = view;
  }

  std::mt19937 m_generator;
  model::ModelConfig m_config;
  checkpoint::Checkpoint m_checkpoint;
};

/// Transform with arbitrary scales: the product must stay the same for any scales.
class ArbitraryScales final : public quantization::Transform {
public:
  double cost(int64_t, int64_t, const quantization::Grid&) const override { return 1; }
  tensor::Vector inputScales(const quantization::TransformProblem& problem, base::ThreadPool&,
                             const std::stop_token&) const override {
    tensor::Vector s(std::ssize(problem.sources));
    for (int64_t i = 0; i < s.size(); ++i)
      s[i] = 0.4f + 0.37f * static_cast<float>(problem.sources[static_cast<size_t>(i)] % 7);
    return s;
  }
};

/// Catalog with RTN and GPTQ from code, without plugins.
class TestMethods final : public quantization::MethodCatalog {
public:
  std::vector<quantization::MethodDescription> methods() const override {
    std::vector<quantization::MethodDescription> methods;
    for (const char* name : {"rtn", "gptq"})
      methods.push_back(quantization::methodFromJson(
          base::readJsonFile(projectFile("plugins/quantizers") / name / "method.json"), name));
    return methods;
  }
  std::unique_ptr<quantization::Rounding> makeRounding(const std::string& use,
                                                       const base::Json& parameters) const override {
    if (use == "rtn")
      return std::make_unique<rtn::RtnRounding>();
    return std::make_unique<gptq::GptqRounding>(
        gptq::gptqOptions(quantization::completeParameters(methods()[1], parameters)));
  }
};

inline calibration::CalibrationSet testCalibration(int64_t samples = 6, int64_t length = 40) {
  std::mt19937 generator(17);
  calibration::CalibrationSet set;
  set.source = "test";
  set.hash = std::to_string(samples) + "x" + std::to_string(length);
  for (int64_t s = 0; s < samples; ++s) {
    auto& sequence = set.sequences.emplace_back();
    for (int64_t t = 0; t < length - s; ++t)
      sequence.push_back(static_cast<tokenizer::TokenId>(generator() % 60));
  }
  return set;
}

inline quantization::Recipe gptqRecipe() {
  quantization::Recipe recipe;
  recipe.name = "test";
  recipe.rounding = {"gptq", base::Json::object()};
  recipe.grid.parameters = {{"bits", 4}, {"groupSize", 16}};
  return recipe;
}

/// Returns the bytes of all block files, in order.
inline std::string blockBytes(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> files;
  if (!std::filesystem::exists(directory)) // no block was finished
    return {};
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    if (entry.path().filename().string().starts_with("block-") && entry.path().extension() == ".safetensors")
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::string bytes;
  for (const auto& file : files) {
    std::ifstream in(file, std::ios::binary);
    bytes += file.filename().string() + ":" + std::string(std::istreambuf_iterator<char>(in), {});
  }
  return bytes;
}

} // namespace nibblesmith::test
