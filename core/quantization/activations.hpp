// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "calibration/calibration_set.hpp"
#include "model/model.hpp"
#include "quantization/sequence_store.hpp"
#include "runtime/block_graph.hpp"
#include "runtime/operations.hpp"
#include "tensor/matrix.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

namespace nibblesmith::base {
class ThreadPool;
}

namespace nibblesmith::quantization {

/// Linear layer dequantized to f32.
struct DenseLinear {
  tensor::Matrix weights;                                       ///< [outFeatures, inFeatures]
  tensor::Vector bias;                                          ///< [outFeatures], or empty
  std::optional<tensor::ActivationScheme> input = std::nullopt; ///< quantization of its input; empty: none
  std::string name = {};                                        ///< used in messages
};

/// Activations of all calibration sequences, at the same point of the model. Each sequence is computed by one
/// thread of the pool, so the values do not depend on the number of threads. The residual stream is f32,
/// inputs of linears are stored as bf16. Linears multiply 8-bit codes with one scale per block
/// (tensor::Int8Blocks). Attention, and linears whose inputs are quantized, multiply bf16 values.
class Activations {
public:
  /// Callback with the multiply-adds done since the last call; called from any thread of the pool.
  using Done = std::function<void(double multiplyAdds)>;
  /// Callback with the inputs [tokens, inFeatures] of some sequences, in the order of the sequences.
  using Visit = std::function<void(std::span<const tensor::Bf16Matrix* const> inputs)>;

  /// Computes the token embeddings of all sequences. spillDirectory: place of the file that holds the
  /// activations; empty: they stay in memory. Throws base::Error{InvalidArgument} if an id is outside the
  /// vocabulary, {Io}.
  Activations(const model::Model& model, const calibration::CalibrationSet& set,
              const std::filesystem::path& spillDirectory, base::ThreadPool& pool,
              const std::stop_token& stop);

  /// Returns the number of bytes that the activations of `tokens` tokens occupy at the widest stage.
  static double bytes(const model::ModelConfig& config, double tokens);

  /// Returns the number of tokens of all sequences.
  int64_t tokens() const { return m_tokens; }
  /// Returns the number of input features of the next stage.
  int64_t inputWidth() const { return m_inputs.columns(0); }
  /// Passes the inputs of the next stage to `visit`, in batches of about 8192 tokens.
  void visitInputs(const Visit& visit, const std::stop_token& stop) const;

  /// Computes the inputs of stage 0 of a block.
  void beginBlock(const runtime::BlockGraph& graph, base::ThreadPool& pool, const std::stop_token& stop);
  /// Runs the stage's linears and finishes the stage. Inputs are quantized for linears that have a scheme.
  /// scales [inFeatures]: input channel i is divided by scales_i first; empty: no scaling. Throws
  /// base::Cancelled, base::Error{Io}, and {Numerical} if an input to be quantized is NaN or infinite.
  void runStage(const runtime::BlockGraph& graph, int stage, std::span<const DenseLinear> linears,
                const tensor::Vector& scales, base::ThreadPool& pool, const std::stop_token& stop,
                const Done& done);

private:
  /// Runs body(sequence) for all sequences, distributed over the pool.
  void forEachSequence(base::ThreadPool& pool, const std::stop_token& stop,
                       const std::function<void(size_t)>& body);

  std::vector<int64_t> m_lengths;
  std::unique_ptr<base::ScratchFile> m_file;
  SequenceStore<tensor::Matrix> m_hidden;     ///< [tokens, hiddenSize]
  SequenceStore<tensor::Bf16Matrix> m_inputs; ///< [tokens, inFeatures]
  /// [tokens, intermediateSize], inputs of the stage after the next (SequenceState::pending).
  SequenceStore<tensor::Bf16Matrix> m_pending;
  bool m_hasPending = false; ///< m_pending holds values
  /// Tables by sequence length; the same for every block.
  std::map<int64_t, std::vector<runtime::RopeTable>> m_ropes;
  int64_t m_tokens = 0;
};

/// Dequantizes a linear layer.
DenseLinear denseLinear(const model::LinearWeights& linear);

} // namespace nibblesmith::quantization
