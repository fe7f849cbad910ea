// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "calibration/lint.hpp"
#include "export/artifact.hpp"
#include "quantization/engine.hpp"
#include "workflow/services.hpp"

#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

namespace nibblesmith::workflow {

struct QuantizeRequest {
  std::filesystem::path model;
  quantization::Recipe recipe;
  std::filesystem::path calibrationFile; ///< may be empty if no method needs it
  std::filesystem::path out;             ///< artifact directory
  /// Text that the result will be evaluated on; calibration data is checked for overlap with it.
  std::filesystem::path evaluation = {};
  /// Called with the findings about the calibration data before the work begins, on the calling thread; may
  /// be empty.
  std::function<void(const calibration::CalibrationReport&)> onCalibration = {};
  uint64_t memoryLimit = 0; ///< in bytes; activations above it are kept on disk; 0: half of the memory
  bool replace = false; ///< replaces an existing artifact at `out`; otherwise it is refused before the work
};
struct QuantizeResult {
  std::filesystem::path artifact;
  std::string sha256; ///< identity of the artifact
  uint64_t sizeBytes = 0;
  std::vector<quantization::LayerReport> layers;
  quantization::ResourceUse estimated, actual;
  quantization::PhaseSeconds phases;
  exporting::Audit audit;
  std::vector<calibration::Finding> findings; ///< about the calibration data
  /// Notes of the engine, as text: changes made by a rotation, blocks reused from an earlier run, ...
  std::vector<std::string> notes;
};
/// Quantizes a model. Checks the output location and the required disk space before the work. An artifact
/// that was written is kept even if the log cannot be written at the end.
QuantizeResult quantize(const QuantizeRequest& request, const Services& services, const std::stop_token& stop,
                        base::Progress& progress);

/// Disk space that a quantization needs.
struct QuantizeSpace {
  uint64_t workBytes = 0; ///< free again after the quantization
  uint64_t artifactBytes = 0;
};
/// Checks a request like quantize() does before its work: output, recipe, calibration data. Does not check
/// the disk space and does not lock the output. Throws base::Error, base::Cancelled.
QuantizeSpace checkQuantize(const QuantizeRequest& request, const std::shared_ptr<const model::Model>& model,
                            const Services& services, const std::stop_token& stop);

/// Cost of a quantization, computed before it starts.
struct QuantizeEstimate {
  uint64_t sourceBytes = 0;
  uint64_t artifactBytes = 0;
  quantization::ResourceUse resources;
};
QuantizeEstimate estimate(const QuantizeRequest& request, const Services& services);

} // namespace nibblesmith::workflow
