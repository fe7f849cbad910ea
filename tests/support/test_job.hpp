// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/engine.hpp"

namespace nibblesmith::test {

/// Job whose recipe tests may still change: the plan is made when the job is used.
struct Job {
  std::shared_ptr<const model::Model> model;
  quantization::Recipe recipe;
  const quantization::MethodCatalog* methods = nullptr;
  const calibration::CalibrationSet* calibration = nullptr;
  std::filesystem::path workDirectory;
  base::WorkDirectory* claim = nullptr;
  uint64_t memoryLimit = 0;

  operator quantization::QuantizationJob() const {
    return {quantization::makePlan(model, recipe, *methods), calibration, workDirectory, claim, memoryLimit};
  }
};

} // namespace nibblesmith::test
