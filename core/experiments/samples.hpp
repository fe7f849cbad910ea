// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace nibblesmith::experiments {

/// Persisted: never renumber.
enum class SampleFormat : int64_t { Float32 = 1, Float64 = 2 };

struct EncodedSamples {
  SampleFormat format = SampleFormat::Float64;
  std::vector<std::byte> bytes; ///< little-endian
};

/// Without loss: as f32 where every value is one, else as f64.
EncodedSamples encodeSamples(std::span<const double> values);
/// Appends to `values`. Throws base::Error{Corrupt} naming origin: unknown format, or half a value.
void decodeSamples(int64_t format, std::span<const std::byte> bytes, const std::string& origin,
                   std::vector<double>& values);

} // namespace nibblesmith::experiments
