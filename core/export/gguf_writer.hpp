// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/atomic_file.hpp"
#include "base/progress.hpp"
#include "tensor/dtype.hpp"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

namespace nibblesmith::exporting {

/// A metadata value of the types that are written here.
using GgufValue = std::variant<uint32_t, float, bool, std::string, std::vector<std::string>,
                               std::vector<float>, std::vector<int32_t>, std::vector<uint8_t>>;

/// Takes the next bytes of a tensor.
using ByteSink = std::function<void(std::span<const std::byte>)>;

/// One tensor: shape row-major ([outFeatures, inFeatures]), bytes produced piece by piece when its turn
/// comes.
struct GgufTensor {
  std::string name;
  tensor::DType dtype = tensor::DType::F32;
  std::vector<int64_t> shape;
  std::function<void(const ByteSink&)> produce;
};

/// A GGUF version 3 file: little-endian; header, metadata in the order given, tensor table, then the tensors,
/// each at a multiple of 32 bytes. Source: ggml's docs/gguf.md.
class GgufWriter {
public:
  void add(std::string key, GgufValue value) { m_metadata.emplace_back(std::move(key), std::move(value)); }
  void add(GgufTensor tensor) { m_tensors.push_back(std::move(tensor)); }
  const std::vector<GgufTensor>& tensors() const { return m_tensors; }

  /// Writes the file; the caller commits it. Throws base::Error{Io}, before anything is written where the
  /// disk has too little space, {InvalidArgument} where a producer gives another number of bytes than dtype
  /// and shape ask for, base::Cancelled.
  void write(base::AtomicFile& file, const std::stop_token& stop, base::Progress& progress) const;

private:
  std::string header() const;

  std::vector<std::pair<std::string, GgufValue>> m_metadata;
  std::vector<GgufTensor> m_tensors;
};

} // namespace nibblesmith::exporting
