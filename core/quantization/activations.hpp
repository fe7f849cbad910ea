// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "calibration/calibration_set.hpp"
#include "model/model.hpp"
#include "runtime/block_graph.hpp"
#include "runtime/operations.hpp"
#include "tensor/matrix.hpp"

#include <functional>
#include <map>
#include <span>
#include <stop_token>
#include <vector>

namespace nibblesmith::base {
class ThreadPool;
}

namespace nibblesmith::quantization {

/// One linear in f32, ready to be run.
struct DenseLinear {
  tensor::Matrix weights; ///< [outFeatures, inFeatures]
  tensor::Vector bias;    ///< [outFeatures], or empty
};

/// The calibration sequences on their way through the model, all at the same place. Sequences are spread over the
/// pool, each computed by one thread, so the values do not depend on the number of threads.
class Activations {
public:
  /// Called with multiply-adds done since the last call, from any of the pool's threads.
  using Done = std::function<void(double multiplyAdds)>;

  /// The embeddings of the sequences' tokens. Throws base::Error{InvalidArgument} on an id outside the vocabulary.
  Activations(const model::Model& model, const calibration::CalibrationSet& set, base::ThreadPool& pool,
              const std::stop_token& stop);

  int64_t tokens() const { return m_tokens; }
  /// Inputs of the linears of the stage that comes next.
  std::vector<const tensor::Matrix*> inputs() const;

  /// Mean |x| of those inputs by channel.
  tensor::Vector meanMagnitude(base::ThreadPool& pool, const std::stop_token& stop) const;
  /// Divides channel i of those inputs by s_i.
  void divideInputs(const tensor::Vector& s, base::ThreadPool& pool, const std::stop_token& stop);

  void beginBlock(const runtime::BlockGraph& graph, base::ThreadPool& pool, const std::stop_token& stop);
  /// Runs the stage's linears and what follows them.
  /// Throws base::Cancelled.
  void runStage(const runtime::BlockGraph& graph, int stage, std::span<const DenseLinear> linears,
                base::ThreadPool& pool, const std::stop_token& stop, const Done& done);

private:
  std::vector<runtime::SequenceState> m_states;
  std::map<int64_t, runtime::RopeTable> m_ropes; ///< by length of sequence: the same in every block
  int64_t m_tokens = 0;
};

/// The linear as it is stored, in f32.
DenseLinear denseLinear(const model::LinearWeights& linear);

} // namespace nibblesmith::quantization
