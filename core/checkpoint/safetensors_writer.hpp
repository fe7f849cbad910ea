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

/// One tensor to be written: its bytes are produced only when its turn comes.
struct TensorToWrite {
  std::string name;
  tensor::DType dtype = tensor::DType::F32;
  std::vector<int64_t> shape;
  std::function<std::vector<std::byte>()> bytes;
};

/// Writes one safetensors file: header padded with spaces to 8 bytes, tensors in the order given. The
/// commit() is the caller's. Throws base::Error{Io}, or {InvalidArgument} where produced bytes do not fit
/// dtype and shape.
void writeSafetensors(base::AtomicFile& file, const std::vector<TensorToWrite>& tensors,
                      const std::map<std::string, std::string>& metadata);
/// The same into a file of its own, atomically.
void writeSafetensors(const std::filesystem::path& path, const std::vector<TensorToWrite>& tensors,
                      const std::map<std::string, std::string>& metadata);

} // namespace nibblesmith::checkpoint
