// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/progress.hpp"
#include "base/work_directory.hpp"
#include "calibration/calibration_set.hpp"
#include "model/model.hpp"
#include "quantization/layer_report.hpp"
#include "quantization/plan.hpp"

#include <filesystem>
#include <map>

namespace nibblesmith::quantization {

/// Resources of a run, estimated before the start and measured after it.
struct ResourceUse {
  double seconds = 0;
  uint64_t peakMemoryBytes = 0;
  uint64_t diskBytes = 0; ///< block files, and activations that are kept in a file
  bool spills = false;    ///< activations are kept in a file because memory is short
};

/// Seconds per phase of a run. The rest of the total time is reading, hashing and checking.
struct PhaseSeconds {
  double hessian = 0; ///< accumulating the Hessians of the layers' inputs
  double transforms = 0;
  double inputRanges = 0;   ///< finding static activation scales
  double factorization = 0; ///< Rounding::prepare
  double rounding = 0;
  double reports = 0; ///< computing the errors of the finished layers
  double forward = 0; ///< running the calibration sequences
  double files = 0;
};

/// Finished block: replacements for weights of the source model.
struct QuantizedBlock {
  /// Quantized linears by canonical name ("model.layers.0.self_attn.q_proj"); linears that the policy keeps
  /// are absent.
  std::map<std::string, tensor::QuantizedTensor> linears;
  /// Quantization of the inputs of those linears; absent: none.
  std::map<std::string, tensor::ActivationScheme> inputs;
  /// Norm with a transform's scales folded in.
  struct Folded {
    tensor::Vector weight; ///< f16 values
    tensor::Vector bias;   ///< empty: no bias
  };
  std::map<model::NormRole, Folded> norms;
  /// Biases of linears with scales folded in, by canonical name.
  std::map<std::string, tensor::Vector> biases;

  /// Replaces norms and biases in `weights` by those with folded scales.
  void replaceFolded(model::BlockWeights& weights) const;
};

/// Result of the engine: finished blocks on disk, and the source model they belong to.
struct QuantizedModel {
  std::shared_ptr<const model::Model> source; ///< the plan's model
  Recipe recipe;
  std::filesystem::path directory; ///< directory of the block files
  std::vector<LayerReport> layers;
  ResourceUse estimated;
  ResourceUse actual;
  PhaseSeconds phases;
  std::string fingerprint; ///< hash of model, recipe and calibration; every block file stores it
  /// Notes for the user: blocks reused from an earlier run, damaged files, ...
  std::vector<std::string> notes;

  /// Reads a finished block and folds the scales of its transforms. Throws base::Error{Corrupt} if the file
  /// fails its checksum.
  QuantizedBlock block(int64_t index) const;
};

/// Input of quantizeModel().
struct QuantizationJob {
  std::shared_ptr<const Plan> plan;
  const calibration::CalibrationSet* calibration = nullptr; ///< null if no method needs it
  /// Directory of the block files. Each is written atomically with the job's fingerprint. Finished blocks
  /// with the same fingerprint are reused, so an interrupted run resumes. Files that this program did not
  /// write stay: see base::WorkDirectory.
  std::filesystem::path workDirectory;
  /// Claim on workDirectory if the caller holds it already; null: quantizeModel() claims it while it runs.
  base::WorkDirectory* claim = nullptr;
  /// Limit in bytes above which activations are kept in a file of the work directory; 0: half of the
  /// machine's memory.
  uint64_t memoryLimit = 0;
};

/// Estimates time, memory and disk space of a run from shapes and a short measurement of this machine's
/// speed.
ResourceUse estimateResources(const QuantizationJob& job);
/// Estimates the bytes of the weights after quantization, from shapes alone.
uint64_t estimateArtifactBytes(const Plan& plan);

/// Quantizes a model block by block and stage by stage. Each stage is calibrated on inputs that went through
/// the quantized stages before it ("true-sequential" in GPTQ's code), and each linear is run only once. The
/// result does not depend on the number of threads. Throws base::Error, base::Cancelled; before the work, if
/// the calibration set does not fit the plan.
QuantizedModel quantizeModel(const QuantizationJob& job, base::ThreadPool& pool, const std::stop_token& stop,
                             base::Progress& progress);

} // namespace nibblesmith::quantization
