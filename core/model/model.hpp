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

/// What a linear layer does; in a block, each at most once. The fused ones stand for their parts, whose
/// output features they have one after the other (ModelConfig::queryKeyValueOrder; gate before up). An MLP
/// without Gate and GateUp is activation(up).
enum class LinearRole { Query, Key, Value, QueryKeyValue, Output, Gate, Up, GateUp, Down, Head };

/// Where a norm stands. Query and Key: of each head [headDim], before the rotation. PostAttention and
/// PostMlp: of a branch's output, before it is added. Without Mlp, and with parallel branches, Attention's
/// output feeds both.
enum class NormRole { Attention, Query, Key, PostAttention, Mlp, PostMlp, Final };

/// Weights of a matrix: as stored (any float or GGUF block type), or on a grid.
using Weight = std::variant<tensor::TensorView, tensor::QuantizedTensor>;
int64_t outFeatures(const Weight& weight);
int64_t inFeatures(const Weight& weight);
/// Bytes as stored (packed).
uint64_t storedBytes(const Weight& weight);
tensor::Matrix toMatrix(const Weight& weight);

struct LinearWeights {
  std::string name; ///< that of Hugging Face's files: "model.layers.0.self_attn.q_proj"
  Weight weight;    ///< [outFeatures, inFeatures]; rotary rows in Hugging Face's half-split order
  std::optional<tensor::TensorView> bias;
  std::optional<tensor::ActivationScheme> input =
      std::nullopt; ///< how the input is rounded; nothing: not at all
  LinearRole role = LinearRole::Head;
};

struct NormWeights {
  std::string name;          ///< that of Hugging Face's files: "model.layers.0.input_layernorm"
  tensor::TensorView weight; ///< [hiddenSize], or [headDim]; Norm::offset not added
  std::optional<tensor::TensorView> bias = std::nullopt;
  NormRole role = NormRole::Final;
};

struct BlockWeights {
  int64_t index = 0;
  std::vector<NormWeights> norms;
  std::vector<LinearWeights> linears; ///< in an order that is the same for all blocks of a model

  /// Null where the block has none.
  const NormWeights* norm(NormRole role) const;
  NormWeights* norm(NormRole role) { return const_cast<NormWeights*>(std::as_const(*this).norm(role)); }
  const LinearWeights* find(LinearRole role) const;
  /// Throws base::Error{InvalidArgument} where the block has none.
  const LinearWeights& linear(LinearRole role) const;
  LinearWeights& linear(LinearRole role) {
    return const_cast<LinearWeights&>(std::as_const(*this).linear(role));
  }
};

/// A checkpoint seen as a decoder of a known family. Immutable, any thread; weights are fetched on demand.
class Model {
public:
  virtual ~Model() = default;
  virtual const Family& family() const = 0;
  virtual const ModelConfig& config() const = 0;
  virtual const checkpoint::Checkpoint& checkpoint() const = 0;
  virtual tensor::TensorView embedding() const = 0; ///< [vocabularySize, hiddenSize]
  /// [maxPositions, hiddenSize], added to the embeddings of the tokens; nothing where positions are not
  /// learned.
  virtual std::optional<tensor::TensorView> positionTable() const { return std::nullopt; }
  virtual NormWeights finalNorm() const = 0;
  virtual LinearWeights outputHead() const = 0; ///< the embedding where tied
  /// Throws base::Error{Corrupt, NotFound} naming tensor, expected and found shape.
  virtual BlockWeights block(int64_t index) const = 0;
};

std::shared_ptr<const Model> openModel(std::shared_ptr<const checkpoint::Checkpoint> checkpoint);
inline std::shared_ptr<const Model> openModel(const std::filesystem::path& path) {
  return openModel(checkpoint::openCheckpoint(path));
}

struct TensorInfo {
  std::string name;  ///< as in the file; of a language part, as in a language model's own file
  std::string dtype; ///< "F16", "Q4_0", "4-bit group 128", "NF4 group 64"
  std::vector<int64_t> shape;
  uint64_t bytes = 0;
};

/// What `inspect` and the Models page show.
struct ModelSummary {
  ModelConfig config;
  std::string format;  ///< "Hugging Face", "GGUF", "Hugging Face, compressed-tensors 4-bit", "Hugging Face,
                       ///< bitsandbytes NF4"
  std::string leftOut; ///< what the file holds besides, in words; see checkpoint::leftOutText()
  uint64_t parameters = 0;
  uint64_t weightBytes = 0; ///< as stored
  std::vector<TensorInfo> tensors;
};
ModelSummary summarize(const Model& model);

} // namespace nibblesmith::model
