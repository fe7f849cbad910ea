// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/checkpoint.hpp"
#include "model/config.hpp"
#include "tensor/activation_scheme.hpp"
#include "tensor/quantized_tensor.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace nibblesmith::model {

struct Family;

/// Function of a linear layer; a block has each role at most once. A fused linear holds the output features
/// of its parts one after the other (QueryKeyValue: see ModelConfig::queryKeyValueOrder; GateUp: gate before
/// up). An MLP without Gate and GateUp computes activation(up).
enum class LinearRole { Query, Key, Value, QueryKeyValue, Output, Gate, Up, GateUp, Down, Head };

/// Position of a norm. Query and Key normalize each head [headDim] before the rotary embedding. PostAttention
/// and PostMlp normalize a branch's output before the residual addition. If a block with parallel branches
/// has no Mlp norm, the output of its Attention norm feeds both branches.
enum class NormRole { Attention, Query, Key, PostAttention, Mlp, PostMlp, Final };

/// Weight matrix: in its stored format (any float or GGUF block type), or quantized to a grid.
using Weight = std::variant<tensor::TensorView, tensor::QuantizedTensor>;
/// Number of output features: the rows of the matrix.
int64_t outFeatures(const Weight& weight);
/// Number of input features: the columns of the matrix.
int64_t inFeatures(const Weight& weight);
/// Number of bytes in the stored (packed) format.
uint64_t storedBytes(const Weight& weight);
/// Dequantizes to f32 [outFeatures, inFeatures].
tensor::Matrix toMatrix(const Weight& weight);

/// Weights of one linear layer.
struct LinearWeights {
  std::string name; ///< canonical name, as in Hugging Face files: "model.layers.0.self_attn.q_proj"
  Weight weight; ///< [outFeatures, inFeatures]; query and key rows in Hugging Face's half-split rotary order
  std::optional<tensor::TensorView> bias;
  /// Quantization of the input; empty: the input stays in f32.
  std::optional<tensor::ActivationScheme> input = std::nullopt;
  LinearRole role = LinearRole::Head;
};

/// Weights of one norm.
struct NormWeights {
  std::string name;          ///< canonical name, as in Hugging Face files: "model.layers.0.input_layernorm"
  tensor::TensorView weight; ///< [hiddenSize] or [headDim]; Norm::offset is not added
  std::optional<tensor::TensorView> bias = std::nullopt;
  NormRole role = NormRole::Final;
};

/// Weights of one decoder block.
struct BlockWeights {
  int64_t index = 0;
  std::vector<NormWeights> norms;
  std::vector<LinearWeights> linears; ///< in the same order for all blocks of a model

  /// Returns the norm with this role; null if the block has none.
  const NormWeights* norm(NormRole role) const;
  NormWeights* norm(NormRole role) { return const_cast<NormWeights*>(std::as_const(*this).norm(role)); }
  /// Returns the linear with this role; null if the block has none.
  const LinearWeights* find(LinearRole role) const;
  /// Returns the linear with this role. Throws base::Error{InvalidArgument} if the block has none.
  const LinearWeights& linear(LinearRole role) const;
  LinearWeights& linear(LinearRole role) {
    return const_cast<LinearWeights&>(std::as_const(*this).linear(role));
  }
};

/// Decoder model of a known family, read from a checkpoint. Immutable and safe for concurrent use. Weights
/// are fetched on demand.
class Model {
public:
  virtual ~Model() = default;
  virtual const Family& family() const = 0;
  virtual const ModelConfig& config() const = 0;
  virtual const checkpoint::Checkpoint& checkpoint() const = 0;
  virtual tensor::TensorView embedding() const = 0; ///< [vocabularySize, hiddenSize]
  /// Learned position embeddings [maxPositions, hiddenSize], which are added to the token embeddings; empty
  /// if the model has none.
  virtual std::optional<tensor::TensorView> positionTable() const { return std::nullopt; }
  virtual NormWeights finalNorm() const = 0;
  virtual LinearWeights outputHead() const = 0; ///< the embedding if it is tied
  /// Fetches the weights of block `index`. Throws base::Error{Corrupt, NotFound} with the tensor and its
  /// expected and found shape.
  virtual BlockWeights block(int64_t index) const = 0;
};

/// Opens a checkpoint as a model of the family that its configuration names, and checks all names and shapes.
/// Throws base::Error{NotSupported} for unknown architectures, {Corrupt, NotFound} as Model::block().
std::shared_ptr<const Model> openModel(std::shared_ptr<const checkpoint::Checkpoint> checkpoint);
inline std::shared_ptr<const Model> openModel(const std::filesystem::path& path,
                                              const std::stop_token& stop = {}) {
  return openModel(checkpoint::openCheckpoint(path, stop));
}

/// Tensor of a checkpoint, or packed linear, for display.
struct TensorInfo {
  std::string name;  ///< as in the file; for a language part, as in the file of a pure language model
  std::string dtype; ///< "F16", "Q4_0", "4-bit group 128", "NF4 group 64"
  std::vector<int64_t> shape;
  uint64_t bytes = 0;
};

/// Facts about a model for `nsmith inspect` and the Models page.
struct ModelSummary {
  ModelConfig config;
  /// "Hugging Face", "GGUF", "Hugging Face, compressed-tensors 4-bit", "Hugging Face, bitsandbytes NF4".
  std::string format;
  std::string skippedModules; ///< Parts of the file that are not used, as a text; see
                              ///< checkpoint::skippedModulesText().
  uint64_t parameters = 0;
  uint64_t weightBytes = 0; ///< in the stored format
  std::vector<TensorInfo> tensors;
};
/// Collects the summary without reading the weights.
ModelSummary summarize(const Model& model);

} // namespace nibblesmith::model
