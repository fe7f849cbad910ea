// SPDX-License-Identifier: Apache-2.0
#include "quantization/activations.hpp"
#include "quantization/cost.hpp"
#include "quantization/engine.hpp"
#include "tensor/code_books.hpp"
#include "tensor/gemm.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include <sched.h>
#include <unistd.h>

namespace nibblesmith::quantization {

namespace {

/// Measures the multiply-adds per second of one thread on a product of typical size.
double measuredSpeed() {
  constexpr int64_t kSize = 384;
  const tensor::Matrix a = tensor::Matrix::Constant(kSize, kSize, 0.5f);
  tensor::Matrix c(kSize, kSize);
  using Clock = std::chrono::steady_clock;
  double best = 0;
  for (int run = 0; run < 4; ++run) {
    const auto begin = Clock::now();
    tensor::gemmNT(kSize, kSize, kSize, 1.0f, a.data(), kSize, a.data(), kSize, 0.0f, c.data(), kSize);
    const std::chrono::duration<double> time = Clock::now() - begin;
    best = std::max(best, static_cast<double>(kSize * kSize * kSize) / std::max(time.count(), 1e-9));
  }
  return best;
}

double usableProcessors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    return std::max(1, CPU_COUNT(&set));
  return std::max(1u, std::thread::hardware_concurrency());
}

double calibrationTokens(const QuantizationJob& job) {
  if (!job.calibration)
    return static_cast<double>(job.plan->recipe.calibration.samples * job.plan->recipe.calibration.length);
  double tokens = 0;
  for (const auto& sequence : job.calibration->sequences)
    tokens += static_cast<double>(sequence.size());
  return tokens;
}

double longestSequence(const QuantizationJob& job) {
  if (!job.calibration)
    return static_cast<double>(job.plan->recipe.calibration.length);
  size_t longest = 0;
  for (const auto& sequence : job.calibration->sequences)
    longest = std::max(longest, sequence.size());
  return static_cast<double>(longest);
}

/// Returns the memory of the stage that needs most, without the activations of all tokens: stored and rounded
/// weights, the Hessian and its factorization, a batch of inputs, one sequence's outputs per thread.
double workingMemory(const StageShapes& stages, double tokens, double longest, bool withHessian) {
  constexpr double kBatchTokens = 8192;
  double peak = 0;
  for (const auto& stage : stages) {
    const auto n = static_cast<double>(stage.front().inFeatures);
    double out = 0;
    for (const LinearShape& linear : stage)
      out += static_cast<double>(linear.outFeatures);
    // Two copies of f32 weights, and codes. With a Hessian: H in f32, and H and its factor in f64 during the
    // factorization.
    double bytes = out * n * 9.0;
    if (withHessian)
      bytes +=
          20.0 * n * n + 2.0 * std::min(tokens, kBatchTokens) * n + 8.0 * longest * out * usableProcessors();
    peak = std::max(peak, bytes);
  }
  // Adds the program itself.
  return peak + 48e6;
}

/// Returns half of the machine's memory.
double defaultMemoryLimit() {
  return 0.5 * static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

/// Returns the bytes of a linear in an artifact with one byte per code, the layout for quantized inputs.
uint64_t byteCodesBytes(const LinearShape& shape, const Grid& grid) {
  const int64_t size = grid.groupSize() == 0 ? shape.inFeatures : grid.groupSize();
  const int64_t groups = (shape.inFeatures + size - 1) / size;
  return static_cast<uint64_t>(shape.outFeatures * (shape.inFeatures + groups * (grid.symmetric() ? 2 : 3)));
}

uint64_t quantizedBytes(const LinearShape& shape, const Grid& grid) {
  const auto out = static_cast<uint64_t>(shape.outFeatures);
  const auto in = static_cast<uint64_t>(shape.inFeatures);
  const auto bits = static_cast<uint64_t>(grid.bits());
  const auto size = grid.groupSize() == 0 ? in : static_cast<uint64_t>(grid.groupSize());
  const uint64_t groups = (in + size - 1) / size;
  if (grid.hasGroupBooks())
    return out * ((in * bits + 7) / 8) + 2 * out * groups * (uint64_t{1} << bits);
  if (grid.hasNestedScales())
    return out * ((in * bits + 7) / 8) + out * groups + 4 * ((out * groups + 255) / 256) + 4 * (256 + 16);
  if (!grid.isAffine())
    return out * ((in * bits + 7) / 8) + 4 * out * groups + 4 * (uint64_t{1} << bits);
  const uint64_t zeroPoints = grid.symmetric() ? 0 : groups * ((out * bits + 31) / 32) * 4;
  return out * ((in * bits + 31) / 32) * 4 + 2 * out * groups + zeroPoints;
}

/// Returns the bytes of a linear in an artifact. An artifact has one layout: bitsandbytes only if no grid is
/// affine. Linears that the layout cannot represent are stored as f16.
uint64_t artifactBytes(const LinearShape& shape, const Grid& grid, bool anyAffine) {
  const int64_t size =
      grid.groupSize() == 0 ? shape.inFeatures : std::min(grid.groupSize(), shape.inFeatures);
  const bool isPacked =
      grid.isAffine() || (!anyAffine && tensor::fitsBitsandbytes(grid.sharedBook(), size, shape.inFeatures));
  return isPacked ? quantizedBytes(shape, grid)
                  : 2 * static_cast<uint64_t>(shape.outFeatures) * static_cast<uint64_t>(shape.inFeatures);
}

/// Returns the bytes of an unquantized tensor: GGUF block types and 8-bit floats are written as f16, others
/// in their stored type.
uint64_t unquantizedBytes(const model::Weight& weight) {
  const auto* view = std::get_if<tensor::TensorView>(&weight);
  if (view && (tensor::isBlockQuantized(view->dtype) || tensor::isFloat8(view->dtype)))
    return 2 * static_cast<uint64_t>(view->elements());
  return model::storedBytes(weight);
}

uint64_t normBytes(const model::NormWeights& norm) {
  return unquantizedBytes(norm.weight) + (norm.bias ? unquantizedBytes(*norm.bias) : 0);
}

} // namespace

ResourceUse estimateResources(const QuantizationJob& job) {
  const Plan& plan = *job.plan;
  const StageShapes stages = stageShapes(*plan.source);
  const bool withHessian = plan.needsCalibration();
  const double tokens = withHessian ? calibrationTokens(job) : 0.0;
  const model::BlockWeights block = plan.source->block(0); // all blocks have the same shapes
  double cost = 0;
  uint64_t disk = 0;
  for (size_t b = 0; b < plan.blocks.size(); ++b) {
    cost += blockCost(stages, plan, b, tokens) + blockForwardCost(stages, plan, b, tokens);
    for (size_t role = 0; role < plan.blocks[b].size(); ++role)
      if (plan.blocks[b][role].grid) {
        const model::Weight& weight = block.linears[role].weight;
        disk += quantizedBytes({model::outFeatures(weight), model::inFeatures(weight)},
                               *plan.blocks[b][role].grid);
      }
  }
  ResourceUse use;
  // Attention, norms and waiting add about a quarter to the products.
  use.seconds = 1.25 * cost / (measuredSpeed() * usableProcessors());
  const double activations = Activations::bytes(plan.source->config(), tokens);
  const double working = workingMemory(stages, tokens, longestSequence(job), withHessian);
  const double limit = job.memoryLimit > 0 ? static_cast<double>(job.memoryLimit) : defaultMemoryLimit();
  use.spills = withHessian && activations + working > limit;
  use.peakMemoryBytes = static_cast<uint64_t>(working + (use.spills ? 0.0 : activations));
  use.diskBytes = disk + (use.spills ? static_cast<uint64_t>(activations) : 0);
  return use;
}

uint64_t estimateArtifactBytes(const Plan& plan) {
  const model::Model& model = *plan.model;
  const model::BlockWeights block = model.block(0);
  uint64_t bytes = unquantizedBytes(model.embedding()) + normBytes(model.finalNorm());
  if (const auto positions = model.positionTable())
    bytes += unquantizedBytes(*positions);
  if (!model.config().tiedEmbeddings) {
    const model::LinearWeights head = model.outputHead();
    bytes += unquantizedBytes(head.weight) + (head.bias ? unquantizedBytes(*head.bias) : 0);
  }
  const bool anyAffine = std::any_of(plan.blocks.begin(), plan.blocks.end(), [](const auto& linears) {
    return std::any_of(linears.begin(), linears.end(),
                       [](const LinearPlan& linear) { return linear.grid && linear.grid->isAffine(); });
  });
  for (const std::vector<LinearPlan>& linears : plan.blocks) {
    for (const model::NormWeights& norm : block.norms)
      bytes += normBytes(norm);
    for (size_t role = 0; role < linears.size(); ++role) {
      const model::LinearWeights& source = block.linears[role];
      const LinearPlan& linear = linears[role];
      const LinearShape shape{model::outFeatures(source.weight), model::inFeatures(source.weight)};
      bytes += !linear.grid         ? unquantizedBytes(source.weight)
               : linear.activations ? byteCodesBytes(shape, *linear.grid)
                                    : artifactBytes(shape, *linear.grid, anyAffine);
      bytes += source.bias ? unquantizedBytes(*source.bias) : 0;
    }
  }
  return bytes;
}

} // namespace nibblesmith::quantization
