// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/model.hpp"

#include <span>
#include <string_view>

namespace nibblesmith::model {

/// Name of a tensor in each file format, without ".weight"; null: the format does not have it.
struct TensorNames {
  const char* huggingFace = nullptr;
  const char* gguf = nullptr;
};

/// Presence of a linear's bias. The flags are read from config.json ("attention_bias", "mlp_bias"); GGUF
/// files have no flags, so the presence of the tensor decides there.
enum class Bias { None, Always, AttentionFlag, MlpFlag };

/// Linear layer of a family's block.
struct LinearEntry {
  LinearRole role;
  TensorNames names; ///< relative to the block
  Bias bias = Bias::None;
};

/// Norm of a family's block.
struct NormEntry {
  NormRole role;
  TensorNames names; ///< relative to the block
};

/// Description of one family of architectures in both file formats; the generic model needs nothing else.
/// Each family or lineage has a file in families/, and family.cpp lists them.
struct Family {
  std::string_view name;
  std::span<const std::string_view> huggingFaceTypes; ///< values of "model_type" in config.json
  /// Values of "model_type" of multimodal models whose language part belongs to this family; see
  /// checkpoint/language_part.hpp.
  std::span<const std::string_view> multimodalTypes = {};
  /// Values of "general.architecture"; the first one is written; empty: no GGUF support.
  std::span<const std::string_view> ggufTypes;
  /// Reads the configuration. Throws base::Error{Corrupt} if fields are missing or wrong, {NotSupported} if
  /// the decoder cannot run the model.
  ModelConfig (*readConfig)(const checkpoint::Checkpoint&);
  /// Builds config.json for a model read from GGUF, see config_writer.hpp; null: not possible.
  base::Json (*writeConfig)(const Model&) = nullptr;
  std::span<const LinearEntry> linears;          ///< linears of a block, in data-flow order
  std::span<const NormEntry> norms;              ///< norms of a block
  TensorNames block = {"model.layers.", "blk."}; ///< prefix before the block number
  TensorNames embedding = {"model.embed_tokens", "token_embd"};
  TensorNames positions = {};
  TensorNames finalNorm = {"model.norm", "output_norm"};
  TensorNames head = {"lm_head", "output"};
  bool headHasBias = false;
  /// Prefix of Hugging Face names ("transformer.") that files of the model without its head omit; both forms
  /// are read.
  std::string_view optionalPrefix = {};
  bool transposedLinears = false; ///< Hugging Face files store [inFeatures, outFeatures] (GPT-2's Conv1D)
  /// GGUF files store query and key rows in ggml's interleaved rotary order.
  bool ggufInterleavesRotary = false;
  bool ggufReadsFrequencies = false; ///< llama.cpp reads rope factors from the file for this architecture
  /// llama.cpp's default pattern of sliding windows: every Nth layer attends globally, the others use the
  /// window. 0: llama.cpp ignores windows for this architecture.
  int64_t ggufWindowPattern = 0;
  /// Attention scale that llama.cpp hard-codes for this architecture; null: 1 / sqrt(headDim).
  float (*ggufAttentionScale)(const ModelConfig&) = nullptr;
  int64_t ggufFeedForwardFactor = 1; ///< ratio of "feed_forward_length" to the intermediate size
};

extern const Family kLlamaFamily;
extern const Family kQwen2Family;
extern const Family kQwen3Family;
extern const Family kGemmaFamily;
extern const Family kGemma2Family;
extern const Family kGemma3Family;
extern const Family kPhi3Family;
extern const Family kPhi2Family;
extern const Family kGptNeoxFamily;
extern const Family kGpt2Family;
extern const Family kQwenFamily;

/// Location of the configuration for error messages: "<directory>/config.json", its "text_config", or the
/// path of the GGUF file.
std::string configOrigin(const checkpoint::Checkpoint& checkpoint);

/// Returns the model's config.json: the file's own, or one built by the family for GGUF files and language
/// parts. Throws base::Error{NotSupported} if none can be built.
base::Json configJson(const Model& model);

/// Opens `checkpoint` with the tables of `family`. Throws base::Error like Model::block().
std::shared_ptr<const Model> openAs(const Family& family,
                                    std::shared_ptr<const checkpoint::Checkpoint> checkpoint);

/// Checks that a decoder can run the configuration: sizes are positive, within limits above every published
/// model, divide each other where they must, and have no overflowing products. Throws base::Error{Corrupt}
/// with `origin`, the field, and the expected and found values.
void checkConfig(const ModelConfig& config, const std::string& origin);

/// Permutes the rows of a query or key projection (or its bias) from ggml's interleaved rotary order to
/// Hugging Face's half-split order: row h*d + s*d/2 + i of the result is row h*d + 2*i + s, for heads of d =
/// headDim rows. Block-quantized rows stay quantized. Source: llama.cpp, convert_hf_to_gguf.py,
/// LlamaModel.permute.
tensor::TensorView toHalfSplitRows(const tensor::TensorView& weight, int64_t headDim);

/// Permutes the rows of a fused projection (or its bias) from GGUF's order (QueryKeyValueOrder::Blocks) to
/// QueryKeyValueOrder::Heads: row (3h + p) headDim + i of the result is row (p heads + h) headDim + i.
/// Block-quantized rows stay quantized. Source: llama.cpp, conversion/gptneox.py.
tensor::TensorView toHeadRows(const tensor::TensorView& weight, int64_t headDim, int64_t heads);

/// Returns the transpose of a float matrix as a view that owns its bytes. Throws base::Error{NotSupported}
/// for block types.
tensor::TensorView transposed(const tensor::TensorView& matrix);

} // namespace nibblesmith::model
