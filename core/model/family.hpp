// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/model.hpp"

#include <span>
#include <string_view>

namespace nibblesmith::model {

/// What a tensor is called in both kinds of files, without ".weight"; null: that kind has none.
struct TensorNames {
  const char* huggingFace = nullptr;
  const char* gguf = nullptr;
};

/// Whether a linear has a bias. The flags are those of config.json ("attention_bias", "mlp_bias"); GGUF
/// files, which have no flags, are asked for the tensor.
enum class Bias { None, Always, AttentionFlag, MlpFlag };

struct LinearEntry {
  LinearRole role;
  TensorNames names; ///< within a block
  Bias bias = Bias::None;
};

struct NormEntry {
  NormRole role;
  TensorNames names; ///< within a block
};

/// How one family of architectures is opened, and written in both formats: all that the generic model has to
/// know. One file per family or lineage in families/; family.cpp lists them.
struct Family {
  std::string_view name;
  std::span<const std::string_view> huggingFaceTypes; ///< "model_type" of config.json
  /// "model_type" of models whose language part is of this family; see checkpoint/language_part.hpp.
  std::span<const std::string_view> multimodalTypes = {};
  std::span<const std::string_view>
      ggufTypes; ///< "general.architecture"; the first is the one written; none: no GGUF
  /// Throws base::Error{Corrupt} on missing or wrong fields, {NotSupported} on what the decoder cannot do.
  ModelConfig (*readConfig)(const checkpoint::Checkpoint&);
  /// config.json for a model that has none (a GGUF file), see config_writer.hpp; null: none can be made.
  base::Json (*writeConfig)(const Model&) = nullptr;
  std::span<const LinearEntry> linears;          ///< of a block, in the order of the data's way
  std::span<const NormEntry> norms;              ///< of a block
  TensorNames block = {"model.layers.", "blk."}; ///< before a block's number
  TensorNames embedding = {"model.embed_tokens", "token_embd"};
  TensorNames positions = {};
  TensorNames finalNorm = {"model.norm", "output_norm"};
  TensorNames head = {"lm_head", "output"};
  bool headHasBias = false;
  /// What Hugging Face's names begin with in files of the whole model, and what is missing in files of the
  /// model without its head ("transformer."); both are read.
  std::string_view optionalPrefix = {};
  bool transposedLinears = false; ///< Hugging Face's files hold [inFeatures, outFeatures] (GPT-2's Conv1D)
  bool ggufInterleavesRotary = false; ///< GGUF files hold query and key rows in ggml's interleaved order
  bool ggufReadsFrequencies =
      false; ///< llama.cpp's architecture takes divisors of the rotary frequencies from a file
  /// llama.cpp's architecture knows attention windows, and takes all layers but each so-manieth as local ones
  /// where the file does not say which; 0: it knows none.
  int64_t ggufWindowPattern = 0;
  /// The scale of attention that llama.cpp's architecture takes for granted; null: 1 / sqrt(headDim).
  float (*ggufAttentionScale)(const ModelConfig&) = nullptr;
  int64_t ggufFeedForwardFactor = 1; ///< "feed_forward_length" is so many times the intermediate size
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

/// What error messages call the place of the configuration: "<directory>/config.json", its "text_config", or
/// the GGUF file.
std::string configOrigin(const checkpoint::Checkpoint& checkpoint);

/// config.json of the model: its own, or one made by the family where there is none of this part alone.
/// Throws base::Error{NotSupported} where none can be made.
base::Json configJson(const Model& model);

/// The one implementation of Model: `checkpoint` read by the family's tables. Throws base::Error as
/// Model::block() does.
std::shared_ptr<const Model> openAs(const Family& family,
                                    std::shared_ptr<const checkpoint::Checkpoint> checkpoint);

/// Refuses configurations that no decoder could run: sizes that are not positive, beyond any model's, that do
/// not divide, or whose products overflow. Throws base::Error{Corrupt} naming `origin`, field, expected,
/// found.
void checkConfig(const ModelConfig& config, const std::string& origin);

/// Rows of a query or key projection (or its bias, one column) from ggml's interleaved rotary order to
/// Hugging Face's half-split order: row h*d + s*d/2 + i comes from row h*d + 2*i + s, for heads of d =
/// headDim rows. Works on block-quantized rows too. Source: llama.cpp, convert_hf_to_gguf.py,
/// LlamaModel.permute.
tensor::TensorView toHalfSplitRows(const tensor::TensorView& weight, int64_t headDim);

/// Rows of a fused projection (or its bias) from blocks, as GGUF files hold them, to query, key and value of
/// one head after the other: row (3h + p) headDim + i comes from row (p heads + h) headDim + i. Works on
/// block-quantized rows too. Source: llama.cpp, conversion/gptneox.py.
tensor::TensorView toHeadRows(const tensor::TensorView& weight, int64_t headDim, int64_t heads);

/// A float matrix with rows and columns exchanged, in memory of its own. Throws base::Error{NotSupported} for
/// block types.
tensor::TensorView transposed(const tensor::TensorView& matrix);

} // namespace nibblesmith::model
