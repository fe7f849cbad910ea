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

/// Metadata value, restricted to the types that are written here.
using GgufValue = std::variant<uint32_t, float, bool, std::string, std::vector<std::string>,
                               std::vector<float>, std::vector<int32_t>, std::vector<uint8_t>>;

/// Receives the next bytes of a tensor.
using ByteSink = std::function<void(std::span<const std::byte>)>;

/// Tensor to write: row-major shape ([outFeatures, inFeatures]); its bytes are produced in pieces when they
/// are written.
struct GgufTensor {
  std::string name;
  tensor::DType dtype = tensor::DType::F32;
  std::vector<int64_t> shape;
  std::function<void(const ByteSink&)> produce;
};

/// Writer for GGUF version 3: little-endian header, metadata in the given order, tensor table, then the
/// tensors, each aligned to 32 bytes. Source: ggml's docs/gguf.md.
class GgufWriter {
public:
  void add(std::string key, GgufValue value) { m_metadata.emplace_back(std::move(key), std::move(value)); }
  void add(GgufTensor tensor) { m_tensors.push_back(std::move(tensor)); }
  const std::vector<GgufTensor>& tensors() const { return m_tensors; }

  /// Writes the file; the caller commits it. Throws base::Error{Io}, before writing if there is too little
  /// disk space; {InvalidArgument} if a producer's bytes do not match dtype and shape; base::Cancelled.
  void write(base::AtomicFile& file, const std::stop_token& stop, base::Progress& progress) const;

private:
  std::string header() const;

  std::vector<std::pair<std::string, GgufValue>> m_metadata;
  std::vector<GgufTensor> m_tensors;
};

} // namespace nibblesmith::exporting
