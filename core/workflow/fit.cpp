// SPDX-License-Identifier: Apache-2.0
#include "workflow/fit.hpp"

#include "base/error.hpp"
#include "quantization/engine.hpp"
#include "quantization/kv_cache.hpp"
#include "workflow/resolved_plan.hpp"

#include <algorithm>
#include <thread>

#include <unistd.h>

namespace nibblesmith::workflow {

namespace {

/// Returns the profile of this computer; measures the bandwidth if it is 0.
devices::DeviceProfile thisComputer(int threads, double bandwidth) {
  devices::DeviceProfile profile;
  profile.id = "this-computer";
  profile.name = "This computer";
  profile.threads =
      threads > 0 ? threads : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  profile.memoryBytes =
      static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const uint64_t available =
      static_cast<uint64_t>(sysconf(_SC_AVPHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  profile.reservedBytes = profile.memoryBytes - std::min(available, profile.memoryBytes);
  profile.bandwidth = bandwidth > 0 ? bandwidth : benchmark::measuredBandwidth(profile.threads);
  profile.source = "measured, by reading memory on all threads";
  return profile;
}

struct Weights {
  model::ModelConfig config;
  uint64_t bytes = 0;
  uint64_t embeddingBytes = 0;
};

Weights weightsOf(const FitRequest& request, const Services& services) {
  const auto source = model::openModel(request.model);
  if (!request.recipe) {
    Weights weights{source->config(), model::summarize(*source).weightBytes,
                    model::storedBytes(source->embedding())};
    return weights;
  }
  const auto plan = planFor(source, *request.recipe, services);
  Weights weights{plan->model->config(), quantization::estimateArtifactBytes(*plan),
                  model::storedBytes(plan->model->embedding())};
  weights.config.kvCache = quantization::kvCacheScheme(request.recipe->kvCache);
  return weights;
}

} // namespace

std::vector<DeviceFit> fit(const FitRequest& request, const Services& services) {
  const Weights weights = weightsOf(request, services);
  if (request.context > weights.config.maxPositions)
    throw base::Error(base::ErrorCode::InvalidArgument,
                      "context: expected at most " + std::to_string(weights.config.maxPositions) +
                          " tokens (the model's positions), found " + std::to_string(request.context));
  std::vector<devices::DeviceProfile> profiles = devices::readProfiles(services.resources / "devices");
  profiles.push_back(thisComputer(services.threads, request.bandwidth));
  const int64_t context =
      request.context > 0 ? request.context : std::min<int64_t>(weights.config.maxPositions, 2048);
  std::vector<DeviceFit> fits;
  for (devices::DeviceProfile& profile : profiles) {
    DeviceFit result;
    result.footprint =
        benchmark::footprint(weights.config, weights.bytes, weights.embeddingBytes, context, profile.threads);
    result.availableBytes = profile.memoryBytes - std::min(profile.reservedBytes, profile.memoryBytes);
    result.fits = result.footprint.totalBytes() <= result.availableBytes;
    if (profile.bandwidth > 0 && result.footprint.bytesPerToken > 0)
      result.tokensPerSecond = profile.bandwidth / static_cast<double>(result.footprint.bytesPerToken);
    result.profile = std::move(profile);
    fits.push_back(std::move(result));
  }
  return fits;
}

} // namespace nibblesmith::workflow
