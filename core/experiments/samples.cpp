// SPDX-License-Identifier: Apache-2.0
#include "experiments/samples.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace nibblesmith::experiments {
namespace {

static_assert(std::endian::native == std::endian::little, "samples are stored as they lie in memory");

template <typename T>
std::vector<std::byte> bytesOf(std::span<const double> values) {
  std::vector<std::byte> bytes(values.size() * sizeof(T));
  for (size_t i = 0; i < values.size(); ++i) {
    const T value = static_cast<T>(values[i]);
    std::memcpy(bytes.data() + i * sizeof(T), &value, sizeof(T));
  }
  return bytes;
}

template <typename T>
void append(std::span<const std::byte> bytes, const std::string& origin, std::vector<double>& values) {
  if (bytes.size() % sizeof(T) != 0)
    throw base::Error(base::ErrorCode::Corrupt, origin + ": expected a multiple of " +
                                                    std::to_string(sizeof(T)) + " bytes of samples, found " +
                                                    std::to_string(bytes.size()));
  for (size_t i = 0; i < bytes.size(); i += sizeof(T)) {
    T value;
    std::memcpy(&value, bytes.data() + i, sizeof(T));
    values.push_back(static_cast<double>(value));
  }
}

bool isFloat32(double value) {
  return !std::isnan(value) && std::abs(value) <= 3.4e38 &&
         static_cast<double>(static_cast<float>(value)) == value;
}

} // namespace

EncodedSamples encodeSamples(std::span<const double> values) {
  if (std::all_of(values.begin(), values.end(), isFloat32))
    return {SampleFormat::Float32, bytesOf<float>(values)};
  return {SampleFormat::Float64, bytesOf<double>(values)};
}

void decodeSamples(int64_t format, std::span<const std::byte> bytes, const std::string& origin,
                   std::vector<double>& values) {
  if (format == static_cast<int64_t>(SampleFormat::Float32))
    append<float>(bytes, origin, values);
  else if (format == static_cast<int64_t>(SampleFormat::Float64))
    append<double>(bytes, origin, values);
  else
    throw base::Error(base::ErrorCode::Corrupt,
                      origin + ": expected sample format 1 or 2, found " + std::to_string(format));
}

} // namespace nibblesmith::experiments
