// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/checkpoint.hpp"
#include "model/kv_cache_scheme.hpp"
#include "tensor/activation_scheme.hpp"
#include "tensor/quantized_tensor.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace nibblesmith::model {

/// What the decoder needs to know of a model, whatever its family and file format.
struct ModelConfig {
  std::string family;               ///< "llama", ...
  int64_t hiddenSize = 0;
  int64_t intermediateSize = 0;
  int64_t numLayers = 0;
  int64_t numHeads = 0;
  int64_t numKeyValueHeads = 0;
  int64_t headDim = 0;
  int64_t vocabularySize = 0;
  int64_t maxPositions = 0;
  float normEpsilon = 1e-5f;
  float ropeTheta = 10000.0f;
  bool tiedEmbeddings = false;
  int32_t bos = -1;
  std::vector<int32_t> eos;         ///< any of them ends a generation
  KvCacheScheme kvCache;            ///< as the recipe chose it; f16 where none did
};

/// Where a linear layer sits in a decoder block. The names are those of Hugging Face's Llama.
enum class LinearRole { Query, Key, Value, Output, Gate, Up, Down };
inline constexpr int kLinearRoles = 7;

/// Weights of a matrix: as stored (any float or GGUF block type), or on a grid.
using Weight = std::variant<tensor::TensorView, tensor::QuantizedTensor>;
int64_t outFeatures(const Weight& weight);
int64_t inFeatures(const Weight& weight);
/// Bytes as stored (packed).
uint64_t storedBytes(const Weight& weight);
tensor::Matrix toMatrix(const Weight& weight);

struct LinearWeights {
  std::string name;                 ///< canonical: "model.layers.0.self_attn.q_proj"
  Weight weight;                    ///< [outFeatures, inFeatures]; rotary rows in Hugging Face's half-split order
  std::optional<tensor::TensorView> bias;
  std::optional<tensor::ActivationScheme> input = std::nullopt; ///< how the input is rounded; nothing: not at all
};

struct BlockWeights {
  tensor::TensorView attentionNorm; ///< [hiddenSize]
  tensor::TensorView mlpNorm;       ///< [hiddenSize]
  std::vector<LinearWeights> linears; ///< indexed by LinearRole

  const LinearWeights& linear(LinearRole role) const { return linears[static_cast<size_t>(role)]; }
};

/// A checkpoint seen as a decoder of a known family. Immutable, any thread; weights are fetched on demand.
class Model {
public:
  virtual ~Model() = default;
  virtual const ModelConfig& config() const = 0;
  virtual const checkpoint::Checkpoint& checkpoint() const = 0;
  virtual tensor::TensorView embedding() const = 0;  ///< [vocabularySize, hiddenSize]
  virtual tensor::TensorView finalNorm() const = 0;  ///< [hiddenSize]
  virtual LinearWeights outputHead() const = 0;      ///< "lm_head"; the embedding where tied
  /// Throws base::Error{Corrupt, NotFound} naming tensor, expected and found shape.
  virtual BlockWeights block(int64_t index) const = 0;
};

std::shared_ptr<const Model> openModel(std::shared_ptr<const checkpoint::Checkpoint> checkpoint);
inline std::shared_ptr<const Model> openModel(const std::filesystem::path& path) {
  return openModel(checkpoint::openCheckpoint(path));
}

struct TensorInfo {
  std::string name;   ///< as in the file
  std::string dtype;  ///< "F16", "Q4_0", "4-bit group 128", "NF4 group 64"
  std::vector<int64_t> shape;
  uint64_t bytes = 0;
};

/// What `inspect` and the Models page show.
struct ModelSummary {
  ModelConfig config;
  std::string format;               ///< "Hugging Face", "GGUF", "Hugging Face, compressed-tensors 4-bit", "Hugging Face, bitsandbytes NF4"
  uint64_t parameters = 0;
  uint64_t weightBytes = 0;         ///< as stored
  std::vector<TensorInfo> tensors;
};
ModelSummary summarize(const Model& model);

} // namespace nibblesmith::model
