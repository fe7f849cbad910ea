// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/progress.hpp"
#include "calibration/calibration_set.hpp"
#include "model/model.hpp"
#include "quantization/recipe.hpp"
#include "quantization/rounding.hpp"
#include "tensor/distance.hpp"

#include <filesystem>
#include <map>

namespace nibblesmith::quantization {

/// What happened to one linear layer.
struct LayerReport {
  std::string name;
  std::string requested; ///< "4-bit group 128 symmetric", "8-bit per channel symmetric, input 8-bit per token
                         ///< dynamic"
  std::string effective; ///< the same, unless something forced another choice
  tensor::Distance weightError;
  double relativeOutputError = 0; ///< sqrt(tr(dW H dW^T) / tr(W H W^T)); 0 without calibration
  std::vector<std::string> fallbacks;
  double seconds = 0; ///< 0 for a layer taken over from an earlier run
};

/// Resources, estimated before the start and measured after it.
struct ResourceUse {
  double seconds = 0;
  uint64_t peakMemoryBytes = 0;
  uint64_t diskBytes = 0; ///< of the block files, and of activations that are kept in a file
  bool spills = false;    ///< activations are kept in a file, since memory is short
};

/// Where a run's seconds went. What is missing to the total is reading, hashing and checking.
struct PhaseSeconds {
  double hessian = 0; ///< Gram matrices of the layers' inputs
  double transforms = 0;
  double inputRanges = 0;   ///< of static activation scales
  double factorization = 0; ///< Rounding::prepare
  double rounding = 0;
  double reports = 0; ///< errors of the finished layers
  double forward = 0; ///< of the calibration sequences
  double files = 0;
};

/// One finished block: what stands in the place of the source's weights.
struct QuantizedBlock {
  /// Linears by canonical name ("model.layers.0.self_attn.q_proj"); what the policy keeps is not in it.
  std::map<std::string, tensor::QuantizedTensor> linears;
  std::map<std::string, tensor::ActivationScheme>
      inputs; ///< how those linears round their inputs, where they do
  /// What took up the scales of a transform; what is not in them is as in the source.
  struct Folded {
    tensor::Vector weight; ///< f16 values
    tensor::Vector bias;   ///< empty: there is none
  };
  std::map<model::NormRole, Folded> norms;
  std::map<std::string, tensor::Vector> biases; ///< of linears, by canonical name

  /// Puts the norms and biases of this block in the places of the source's.
  void replaceFolded(model::BlockWeights& weights) const;
};

/// The engine's result: finished blocks on disk beside the source model they belong to.
struct QuantizedModel {
  std::shared_ptr<const model::Model> source; ///< the job's model, as transforms changed it before the blocks
  Recipe recipe;
  std::filesystem::path directory; ///< where the block files are
  std::vector<LayerReport> layers;
  ResourceUse estimated;
  ResourceUse actual;
  PhaseSeconds phases;
  std::string fingerprint; ///< of model, recipe and calibration; every block file carries it
  std::vector<std::string>
      notes; ///< in words: blocks taken over from an earlier run, files found damaged, ...

  /// Throws base::Error{Corrupt} where the block's file fails its checksum.
  QuantizedBlock block(int64_t index) const;
};

struct QuantizationJob {
  std::shared_ptr<const model::Model> model;
  Recipe recipe;
  const calibration::CalibrationSet* calibration = nullptr; ///< null where no method needs it
  const MethodCatalog* methods = nullptr;
  /// Block files go here, each written atomically with the job's fingerprint (model, recipe, calibration);
  /// those found finished with the same fingerprint are taken over: a killed run resumes.
  std::filesystem::path workDirectory;
  /// Bytes above which activations are kept in a file of the work directory; 0: half of the machine's memory.
  uint64_t memoryLimit = 0;
};

/// Checks that the recipe can work on this model: every field, every pattern. Throws base::Error naming it.
void validateJob(const QuantizationJob& job);
/// The model that is quantized: the job's, as the recipe's transforms change it as a whole (a rotation).
std::shared_ptr<const model::Model> modelToQuantize(const QuantizationJob& job);
ResourceUse estimateResources(const QuantizationJob& job);
/// Bytes of the weights after quantization, computed from shapes alone.
uint64_t estimateArtifactBytes(const model::Model& model, const Recipe& recipe);

/// Block by block, stage by stage: each stage is calibrated on inputs that went through the quantized stages
/// before it (true-sequential of the GPTQ paper's code), each linear's forward is computed once.
/// The result does not depend on the number of threads. Throws base::Error, base::Cancelled.
QuantizedModel quantizeModel(const QuantizationJob& job, base::ThreadPool& pool, const std::stop_token& stop,
                             base::Progress& progress);

} // namespace nibblesmith::quantization
