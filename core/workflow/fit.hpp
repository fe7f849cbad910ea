// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "benchmark/footprint.hpp"
#include "devices/profile.hpp"
#include "quantization/recipe.hpp"
#include "workflow/services.hpp"

#include <filesystem>
#include <optional>
#include <vector>

namespace nibblesmith::workflow {

struct FitRequest {
  std::filesystem::path model;
  std::optional<quantization::Recipe> recipe; ///< none: the unquantized model
  int64_t context = 0;                        ///< tokens; 0: the model's context length, at most 2048
  /// Memory bandwidth of this computer in bytes per second, if it was measured before; 0: measure it.
  double bandwidth = 0;

  bool operator==(const FitRequest&) const = default;
};
/// Memory use and speed of a model on one kind of device.
struct DeviceFit {
  devices::DeviceProfile profile;
  benchmark::Footprint footprint;
  uint64_t availableBytes = 0; ///< device memory available to the model
  bool fits = false;
  /// Upper bound set by the memory bandwidth, at the full context; lower in practice if the computation takes
  /// longer. 0: unknown.
  double tokensPerSecond = 0;
};
/// Returns one result per device profile in the resources, then one for this computer. Logs nothing.
std::vector<DeviceFit> fit(const FitRequest& request, const Services& services);

} // namespace nibblesmith::workflow
