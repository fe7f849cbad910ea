// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "test_job.hpp"

#include "base/file.hpp"
#include "base/thread_pool.hpp"
#include "checkpoint/safetensors_writer.hpp"
#include "export/output_file.hpp"
#include "export/sentencepiece_file.hpp"
#include "quantization/engine.hpp"
#include "tensor/half.hpp"

#include <cstring>
#include <random>

namespace nibblesmith::test {

/// Sizes of a Llama with random weights.
struct TinyShape {
  int64_t hidden = 64, intermediate = 96, layers = 2, heads = 4, keyValueHeads = 2;
  bool tied = true;
  int64_t vocabulary = 0; ///< embedding rows; 0: those of tinyVocabulary()
  tensor::DType dtype = tensor::DType::F16;
};

/// Returns <unk>, <s>, </s>, the 256 bytes, and a few pieces.
inline tokenizer::Vocabulary tinyVocabulary() {
  using tokenizer::TokenType;
  tokenizer::Vocabulary vocabulary;
  vocabulary.model = tokenizer::TokenizerModel::SentencePieceBpe;
  vocabulary.pre = "default";
  const auto add = [&](const std::string& token, float score, TokenType type) {
    vocabulary.tokens.push_back(token);
    vocabulary.scores.push_back(score);
    vocabulary.types.push_back(type);
  };
  add("<unk>", 0, TokenType::Unknown);
  add("<s>", 0, TokenType::Control);
  add("</s>", 0, TokenType::Control);
  for (int byte = 0; byte < 256; ++byte) {
    char name[8];
    std::snprintf(name, sizeof(name), "<0x%02X>", static_cast<unsigned>(byte));
    add(name, 0, TokenType::Byte);
  }
  float score = 0;
  for (const char* piece : {"▁a", "he", "▁the", "in", "▁", "a", "e", "h", "i", "n", "t", "▁t", "▁th"})
    add(piece, score -= 1, TokenType::Normal);
  vocabulary.unknown = 0;
  vocabulary.bos = 1;
  vocabulary.eos = 2;
  vocabulary.addBos = true;
  return vocabulary;
}

/// Generates the tensors of a model; the seed determines every value.
class TinyWeights {
public:
  TinyWeights(const TinyShape& shape, uint32_t seed) : m_shape(shape), m_random(seed) {}

  std::vector<checkpoint::TensorToWrite> all(int64_t vocabularySize) {
    const int64_t kv = m_shape.hidden / m_shape.heads * m_shape.keyValueHeads;
    add("model.embed_tokens.weight", {vocabularySize, m_shape.hidden});
    for (int64_t layer = 0; layer < m_shape.layers; ++layer) {
      const std::string prefix = "model.layers." + std::to_string(layer) + ".";
      add(prefix + "input_layernorm.weight", {m_shape.hidden});
      add(prefix + "post_attention_layernorm.weight", {m_shape.hidden});
      add(prefix + "self_attn.q_proj.weight", {m_shape.hidden, m_shape.hidden});
      add(prefix + "self_attn.k_proj.weight", {kv, m_shape.hidden});
      add(prefix + "self_attn.v_proj.weight", {kv, m_shape.hidden});
      add(prefix + "self_attn.o_proj.weight", {m_shape.hidden, m_shape.hidden});
      add(prefix + "mlp.gate_proj.weight", {m_shape.intermediate, m_shape.hidden});
      add(prefix + "mlp.up_proj.weight", {m_shape.intermediate, m_shape.hidden});
      add(prefix + "mlp.down_proj.weight", {m_shape.hidden, m_shape.intermediate});
    }
    add("model.norm.weight", {m_shape.hidden});
    if (!m_shape.tied)
      add("lm_head.weight", {vocabularySize, m_shape.hidden});
    return std::move(m_tensors);
  }

private:
  void add(const std::string& name, std::vector<int64_t> shape) {
    int64_t count = 1;
    for (const int64_t size : shape)
      count *= size;
    std::normal_distribution<float> normal(shape.size() == 1 ? 1.0f : 0.0f, 0.1f);
    std::vector<std::byte> bytes(tensor::storageBytes(m_shape.dtype, count));
    for (int64_t i = 0; i < count; ++i) {
      const float value = normal(m_random);
      const uint16_t half =
          m_shape.dtype == tensor::DType::BF16 ? tensor::f32ToBf16(value) : tensor::f32ToF16(value);
      if (m_shape.dtype == tensor::DType::F32)
        std::memcpy(bytes.data() + i * 4, &value, 4);
      else
        std::memcpy(bytes.data() + i * 2, &half, 2);
    }
    m_tensors.push_back({name, m_shape.dtype, std::move(shape), [bytes] { return bytes; }});
  }

  TinyShape m_shape;
  std::mt19937 m_random;
  std::vector<checkpoint::TensorToWrite> m_tensors;
};

/// Writes a Hugging Face directory with a tokenizer.
inline void writeTinyModel(const std::filesystem::path& directory, const TinyShape& shape = {},
                           uint32_t seed = 1) {
  std::filesystem::create_directories(directory);
  const tokenizer::Vocabulary vocabulary = tinyVocabulary();
  const int64_t rows = shape.vocabulary > 0 ? shape.vocabulary : std::ssize(vocabulary.tokens);
  const base::Json config = {{"architectures", {"LlamaForCausalLM"}},
                             {"model_type", "llama"},
                             {"hidden_act", "silu"},
                             {"hidden_size", shape.hidden},
                             {"intermediate_size", shape.intermediate},
                             {"num_hidden_layers", shape.layers},
                             {"num_attention_heads", shape.heads},
                             {"num_key_value_heads", shape.keyValueHeads},
                             {"vocab_size", rows},
                             {"max_position_embeddings", 128},
                             {"rms_norm_eps", 1e-5},
                             {"rope_theta", 10000.0},
                             {"tie_word_embeddings", shape.tied},
                             {"bos_token_id", 1},
                             {"eos_token_id", 2}};
  base::writeFileAtomically(directory / "config.json", config.dump(2));
  base::writeFileAtomically(directory / "tokenizer.model", exporting::sentencePieceModel(vocabulary));
  base::writeFileAtomically(directory / "tokenizer_config.json",
                            R"({"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>",
                                "unk_token": "<unk>", "add_bos_token": true, "chat_template": "{{ messages }}"})");
  checkpoint::writeSafetensors(directory / "model.safetensors", TinyWeights(shape, seed).all(rows),
                               {{"format", "pt"}});
}

/// Rounding that ignores the weights: random codes, scales and zero points on the requested grid, so a layout
/// error cannot be hidden by similar values. groupIndexed: columns are assigned to groups at random.
class RandomRounding final : public quantization::Rounding {
public:
  explicit RandomRounding(bool groupIndexed) : m_groupIndexed(groupIndexed) {}
  bool needsHessian() const override { return false; }
  quantization::RoundingResult round(const quantization::RoundingProblem& problem, base::ThreadPool&,
                                     const std::stop_token&) const override {
    std::mt19937 random(static_cast<uint32_t>(std::hash<std::string>()(problem.name)));
    quantization::RoundingResult result;
    result.tensor = quantization::emptyTensor(problem.grid, problem.weights.rows(), problem.weights.cols());
    tensor::QuantizedTensor& q = result.tensor;
    const uint32_t levels = 1u << q.bits;
    q.codes.resize(static_cast<size_t>(q.outFeatures * q.inFeatures));
    for (uint8_t& code : q.codes)
      code = static_cast<uint8_t>(random() % levels);
    q.scales.resize(q.outFeatures, q.groups());
    for (int64_t i = 0; i < q.scales.size(); ++i)
      q.scales.data()[i] = tensor::roundToF16(0.001f + 0.00001f * static_cast<float>(random() % 1000));
    if (!q.isAffine())
      randomBooks(q, random);
    for (uint8_t& zero : q.zeroPoints)
      zero = static_cast<uint8_t>(q.symmetric ? levels / 2 : random() % levels);
    if (m_groupIndexed) {
      for (int64_t i = 0; i < q.inFeatures; ++i)
        q.groupIndex.push_back(static_cast<int32_t>(i / q.groupSize));
      std::shuffle(q.groupIndex.begin(), q.groupIndex.end(), random);
    }
    return result;
  }

private:
  static void randomBooks(tensor::QuantizedTensor& q, std::mt19937& random) {
    if (!q.hasGroupBooks()) {
      q.scales *= 1.2345678f; // not representable in f16
      return;
    }
    q.scales.setOnes();
    for (int64_t i = 0; i < q.codeBooks.size(); ++i)
      q.codeBooks.data()[i] = tensor::roundToF16(0.0001f * static_cast<float>(random() % 1000) - 0.05f);
  }

  bool m_groupIndexed;
};

class RandomMethods final : public quantization::MethodCatalog {
public:
  std::vector<quantization::MethodDescription> methods() const override {
    std::vector<quantization::MethodDescription> all(2);
    all[0].name = all[0].label = "random";
    all[1].name = all[1].label = "random-indexed";
    return all;
  }
  std::unique_ptr<quantization::Rounding> makeRounding(const std::string& use,
                                                       const base::Json&) const override {
    return std::make_unique<RandomRounding>(use == "random-indexed");
  }
};

inline const RandomMethods& randomMethods() {
  static const RandomMethods methods;
  return methods;
}

/// Estimate of the artifact of a model from quantizeRandomly().
inline uint64_t estimateOf(const quantization::QuantizedModel& quantized) {
  return quantization::estimateArtifactBytes(
      *quantization::makePlan(quantized.source, quantized.recipe, randomMethods()));
}

/// Runs the engine with the random rounding; `grid` as in a recipe.
inline quantization::QuantizedModel quantizeRandomly(const std::filesystem::path& source,
                                                     const std::filesystem::path& work,
                                                     const base::Json& grid,
                                                     const std::string& method = "random",
                                                     const quantization::Policy& policy = {}) {
  Job job;
  job.model = model::openModel(source);
  job.recipe.name = "test";
  job.recipe.rounding.use = method;
  job.recipe.grid.parameters = grid;
  if (grid.contains("use")) {
    job.recipe.grid.use = grid["use"];
    job.recipe.grid.parameters.erase("use");
  }
  job.recipe.policy = policy;
  job.methods = &randomMethods();
  job.workDirectory = work;
  base::ThreadPool pool(1);
  base::NoProgress progress;
  return quantization::quantizeModel(job, pool, {}, progress);
}

/// Returns a target that may replace its file, as if the log had recorded it.
inline exporting::FileTarget replacing(const std::filesystem::path& file) {
  exporting::FileTarget target(file);
  target.mayReplace = [](const base::WrittenFile&) { return true; };
  return target;
}

/// Progress that requests a stop at the n-th report.
class StopAt final : public base::Progress {
public:
  explicit StopAt(int reports) : m_left(reports) {}
  void report(double, std::string_view) override {
    if (--m_left == 0)
      m_source.request_stop();
  }
  std::stop_token token() const { return m_source.get_token(); }
  bool asked() const { return m_left <= 0; }

private:
  int m_left;
  std::stop_source m_source;
};

/// Flips the lowest bit of one byte; negative positions count from the end.
inline void flipBit(const std::filesystem::path& path, int64_t position) {
  std::string text = base::readTextFile(path);
  char& byte =
      text.at(static_cast<size_t>(position < 0 ? static_cast<int64_t>(text.size()) + position : position));
  byte = static_cast<char>(byte ^ 1);
  base::writeFileAtomically(path, text);
}

} // namespace nibblesmith::test
