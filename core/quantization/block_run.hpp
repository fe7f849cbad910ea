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

/// RAII timer: adds its lifetime in seconds to one field of PhaseSeconds.
class PhaseTimer {
public:
  explicit PhaseTimer(double& seconds) : m_seconds(seconds) {}
  ~PhaseTimer() { m_seconds += elapsed(); }
  PhaseTimer(const PhaseTimer&) = delete;
  PhaseTimer& operator=(const PhaseTimer&) = delete;
  /// Returns the seconds since construction.
  double elapsed() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - m_begin).count();
  }

private:
  double& m_seconds;
  std::chrono::steady_clock::time_point m_begin = std::chrono::steady_clock::now();
};

/// State that the engine shares between blocks.
struct BlockContext {
  const model::Model& model;
  const Plan& plan;
  base::ThreadPool& pool;
  const std::stop_token& stop;
  CostMeter* meter;
  PhaseSeconds& phases;
};

/// Quantizes the linears of a block stage by stage. Each stage is calibrated on inputs that went through the
/// quantized stages before it. activations: positioned before the block, moved behind it if `forward`; null
/// if nothing needs calibration. label: prefix of progress messages, "block 3 of 30".
BlockFile quantizeBlock(const BlockContext& context, size_t index, const std::string& label,
                        Activations* activations, bool forward);

/// Runs the activations through a block that is already quantized.
void runFinishedBlock(const BlockContext& context, size_t index, const BlockFile& block,
                      Activations& activations);

} // namespace nibblesmith::quantization
