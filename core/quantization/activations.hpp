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

/// One linear in f32, ready to be run.
struct DenseLinear {
  tensor::Matrix weights;                                       ///< [outFeatures, inFeatures]
  tensor::Vector bias;                                          ///< [outFeatures], or empty
  std::optional<tensor::ActivationScheme> input = std::nullopt; ///< how its input is rounded
  std::string name = {};                                        ///< for messages
};

/// The calibration sequences on their way through the model, all at the same place. Sequences are spread over
/// the pool, each computed by one thread, so the values do not depend on the number of threads. The residual
/// stream is f32, inputs of linears are kept as bf16 values. Linears multiply 8-bit codes with scales by
/// blocks (tensor::Int8Blocks); attention, and linears whose inputs are rounded, multiply bf16 values.
class Activations {
public:
  /// Called with multiply-adds done since the last call, from any of the pool's threads.
  using Done = std::function<void(double multiplyAdds)>;
  /// Called with the inputs [tokens, inFeatures] of some sequences after the others, in their order.
  using Visit = std::function<void(std::span<const tensor::Bf16Matrix* const> inputs)>;

  /// The embeddings of the sequences' tokens. spillDirectory: where to keep what does not fit in memory;
  /// empty: all in memory. Throws base::Error{InvalidArgument} on an id outside the vocabulary, {Io}.
  Activations(const model::Model& model, const calibration::CalibrationSet& set,
              const std::filesystem::path& spillDirectory, base::ThreadPool& pool,
              const std::stop_token& stop);

  /// Bytes that the activations of so many tokens take, at the widest inputs.
  static double bytes(const model::ModelConfig& config, double tokens);

  int64_t tokens() const { return m_tokens; }
  /// Of the inputs of the stage that comes next.
  int64_t inputWidth() const { return m_inputs.columns(0); }
  /// Shows the inputs of the linears of the stage that comes next, some thousand tokens at a time.
  void visitInputs(const Visit& visit, const std::stop_token& stop) const;

  void beginBlock(const runtime::BlockGraph& graph, base::ThreadPool& pool, const std::stop_token& stop);
  /// Runs the stage's linears, on rounded inputs where they have a scheme, and what follows them. scales
  /// [inFeatures]: input channel i is divided by scales_i first; empty: as they are. Throws base::Cancelled,
  /// base::Error{Io}, and {Numerical} where an input to be rounded is NaN or infinite.
  void runStage(const runtime::BlockGraph& graph, int stage, std::span<const DenseLinear> linears,
                const tensor::Vector& scales, base::ThreadPool& pool, const std::stop_token& stop,
                const Done& done);

private:
  /// Runs body(sequence) for all sequences, spread over the pool.
  void forEachSequence(base::ThreadPool& pool, const std::stop_token& stop,
                       const std::function<void(size_t)>& body);

  std::vector<int64_t> m_lengths;
  std::unique_ptr<base::ScratchFile> m_file;
  SequenceStore<tensor::Matrix> m_hidden;     ///< [tokens, hiddenSize]
  SequenceStore<tensor::Bf16Matrix> m_inputs; ///< [tokens, inFeatures]
  /// Inputs of the stage after the next [tokens, intermediateSize], while SequenceState::pending holds any.
  SequenceStore<tensor::Bf16Matrix> m_pending;
  bool m_hasPending = false; ///< between the stages
  std::map<int64_t, std::vector<runtime::RopeTable>>
      m_ropes; ///< by length of sequence: the same in every block
  int64_t m_tokens = 0;
};

/// The linear as it is stored, in f32.
DenseLinear denseLinear(const model::LinearWeights& linear);

} // namespace nibblesmith::quantization
