// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/safetensors_writer.hpp"

#include "base/json.hpp"

#include <bit>

namespace nibblesmith::checkpoint {

namespace {

using base::Error;
using base::ErrorCode;

uint64_t bytesOf(const TensorToWrite& tensor) {
  int64_t elements = 1;
  bool fits = !tensor::isBlockQuantized(tensor.dtype);
  for (const int64_t size : tensor.shape)
    fits = fits && size >= 0 && !__builtin_mul_overflow(elements, size, &elements);
  if (!fits)
    throw Error(ErrorCode::InvalidArgument, "tensor '" + tensor.name + "': its shape or its type " +
                                                std::string(tensor::toString(tensor.dtype)) +
                                                " cannot be written to a safetensors file");
  return tensor::storageBytes(tensor.dtype, elements);
}

std::string makeHeader(const std::vector<TensorToWrite>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  base::Json header = base::Json::object();
  if (!metadata.empty())
    header["__metadata__"] = metadata;
  uint64_t position = 0;
  for (const TensorToWrite& tensor : tensors) {
    if (tensor.name == "__metadata__" || header.contains(tensor.name))
      throw Error(ErrorCode::InvalidArgument,
                  "tensor name '" + tensor.name + "' is reserved or appears twice in one file");
    const uint64_t end = position + bytesOf(tensor);
    header[tensor.name] = {{"dtype", std::string(tensor::toString(tensor.dtype))},
                           {"shape", tensor.shape},
                           {"data_offsets", {position, end}}};
    position = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

} // namespace

void writeSafetensors(base::AtomicFile& file, const std::vector<TensorToWrite>& tensors,
                      const std::map<std::string, std::string>& metadata) {
  static_assert(std::endian::native == std::endian::little, "the format is little-endian");
  const std::string header = makeHeader(tensors, metadata);
  const uint64_t headerBytes = header.size();
  file.write(std::as_bytes(std::span(&headerBytes, 1)));
  file.write(header);
  for (const TensorToWrite& tensor : tensors) {
    const std::vector<std::byte> bytes = tensor.bytes();
    if (bytes.size() != bytesOf(tensor))
      throw Error(ErrorCode::InvalidArgument, file.path().string() + ": tensor '" + tensor.name +
                                                  "': expected " + std::to_string(bytesOf(tensor)) +
                                                  " bytes, was given " + std::to_string(bytes.size()));
    file.write(bytes);
  }
}

void writeSafetensors(const std::filesystem::path& path, const std::vector<TensorToWrite>& tensors,
                      const std::map<std::string, std::string>& metadata) {
  base::AtomicFile file(path);
  writeSafetensors(file, tensors, metadata);
  file.commit();
}

} // namespace nibblesmith::checkpoint
