// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/file.hpp"
#include "tensor/dtype.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace nibblesmith::checkpoint {

/// Tensor to write; its bytes are produced only when they are written.
struct TensorToWrite {
  std::string name;
  tensor::DType dtype = tensor::DType::F32;
  std::vector<int64_t> shape;
  std::function<std::vector<std::byte>()> bytes;
};

/// Writes one safetensors file: header padded with spaces to 8 bytes, tensors in the given order. The caller
/// calls commit(). Throws base::Error{Io}; {InvalidArgument} if the produced bytes do not match dtype and
/// shape.
void writeSafetensors(base::AtomicFile& file, const std::vector<TensorToWrite>& tensors,
                      const std::map<std::string, std::string>& metadata);
/// Writes a new safetensors file atomically.
void writeSafetensors(const std::filesystem::path& path, const std::vector<TensorToWrite>& tensors,
                      const std::map<std::string, std::string>& metadata);

} // namespace nibblesmith::checkpoint
