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

/// Encodes values without loss: as f32 if every value is exactly representable in f32, otherwise as f64.
EncodedSamples encodeSamples(std::span<const double> values);
/// Decodes values and appends them to `values`. Throws base::Error{Corrupt} naming origin: unknown format, or
/// a number of bytes that is not a multiple of the value size.
void decodeSamples(int64_t format, std::span<const std::byte> bytes, const std::string& origin,
                   std::vector<double>& values);

} // namespace nibblesmith::experiments
