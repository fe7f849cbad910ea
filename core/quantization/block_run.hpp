// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/activations.hpp"
#include "quantization/block_file.hpp"
#include "quantization/cost.hpp"
#include "quantization/plan.hpp"

#include <chrono>
#include <stop_token>
#include <string>

namespace nibblesmith::quantization {

/// Adds the time of its life to one of PhaseSeconds.
class PhaseTimer {
public:
  explicit PhaseTimer(double& seconds) : m_seconds(seconds) {}
  ~PhaseTimer() { m_seconds += elapsed(); }
  PhaseTimer(const PhaseTimer&) = delete;
  PhaseTimer& operator=(const PhaseTimer&) = delete;
  double elapsed() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - m_begin).count();
  }

private:
  double& m_seconds;
  std::chrono::steady_clock::time_point m_begin = std::chrono::steady_clock::now();
};

/// What the work on a block needs besides the block.
struct BlockContext {
  const model::Model& model;
  const Plan& plan;
  base::ThreadPool& pool;
  const std::stop_token& stop;
  CostMeter* meter;
  PhaseSeconds& phases;
};

/// Rounds a block's linears stage by stage; each stage sees inputs that went through the rounded stages
/// before it. activations: before the block; with `forward` behind it afterwards; null where the rounding
/// needs no Hessian. label: "block 3 of 30", for progress.
BlockFile quantizeBlock(const BlockContext& context, size_t index, const std::string& label,
                        Activations* activations, bool forward);

/// Takes the activations through a block that was rounded before.
void runFinishedBlock(const BlockContext& context, size_t index, const BlockFile& block,
                      Activations& activations);

} // namespace nibblesmith::quantization
