// SPDX-License-Identifier: Apache-2.0
#include "export/gguf_writer.hpp"

#include "base/error.hpp"
#include "export/output_check.hpp"

#include <algorithm>
#include <cstring>

namespace nibblesmith::exporting {

namespace {

constexpr uint64_t kAlignment = 32;
constexpr uint32_t kVersion = 3;

// Values of ggml's gguf_type.
constexpr uint32_t kUint8 = 0, kUint32 = 4, kInt32 = 5, kFloat32 = 6, kBool = 7, kString = 8, kArray = 9;

uint64_t aligned(uint64_t position) { return (position + kAlignment - 1) / kAlignment * kAlignment; }

/// Returns the value of ggml's ggml_type.
uint32_t ggmlType(tensor::DType type) {
  switch (type) {
  case tensor::DType::F32:
    return 0;
  case tensor::DType::F16:
    return 1;
  case tensor::DType::Q4_0:
    return 2;
  case tensor::DType::Q4_1:
    return 3;
  case tensor::DType::Q8_0:
    return 8;
  default:
    throw base::Error(base::ErrorCode::NotSupported, "GGUF: expected F32, F16, Q4_0, Q4_1 or Q8_0, found " +
                                                         std::string(tensor::toString(type)));
  }
}

template <typename T>
void put(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

void putString(std::string& out, const std::string& text) {
  put(out, static_cast<uint64_t>(text.size()));
  out += text;
}

template <typename T>
void putArray(std::string& out, uint32_t type, const std::vector<T>& values) {
  put(out, kArray);
  put(out, type);
  put(out, static_cast<uint64_t>(values.size()));
  for (const T& value : values) {
    if constexpr (std::is_same_v<T, std::string>)
      putString(out, value);
    else
      put(out, value);
  }
}

struct PutValue {
  std::string& out;
  void operator()(uint32_t value) const { put(out, kUint32), put(out, value); }
  void operator()(float value) const { put(out, kFloat32), put(out, value); }
  void operator()(bool value) const { put(out, kBool), put(out, static_cast<uint8_t>(value)); }
  void operator()(const std::string& value) const { put(out, kString), putString(out, value); }
  void operator()(const std::vector<std::string>& values) const { putArray(out, kString, values); }
  void operator()(const std::vector<float>& values) const { putArray(out, kFloat32, values); }
  void operator()(const std::vector<int32_t>& values) const { putArray(out, kInt32, values); }
  void operator()(const std::vector<uint8_t>& values) const { putArray(out, kUint8, values); }
};

uint64_t sizeOf(const GgufTensor& tensor) {
  int64_t elements = 1;
  for (const int64_t size : tensor.shape)
    elements *= size;
  return tensor::storageBytes(tensor.dtype, elements);
}

void pad(base::AtomicFile& file, uint64_t position) {
  static constexpr std::byte kZeros[kAlignment] = {};
  while (file.position() < position)
    file.write(std::span(kZeros).first(std::min<uint64_t>(kAlignment, position - file.position())));
}

} // namespace

std::string GgufWriter::header() const {
  std::string out = "GGUF";
  put(out, kVersion);
  put(out, static_cast<uint64_t>(m_tensors.size()));
  put(out, static_cast<uint64_t>(m_metadata.size()));
  for (const auto& [key, value] : m_metadata) {
    putString(out, key);
    std::visit(PutValue{out}, value);
  }
  uint64_t offset = 0;
  for (const GgufTensor& tensor : m_tensors) {
    putString(out, tensor.name);
    put(out, static_cast<uint32_t>(tensor.shape.size()));
    // ggml lists dimensions from the innermost.
    for (auto size = tensor.shape.rbegin(); size != tensor.shape.rend(); ++size)
      put(out, static_cast<uint64_t>(*size));
    put(out, ggmlType(tensor.dtype));
    put(out, offset);
    offset = aligned(offset + sizeOf(tensor));
  }
  return out;
}

void GgufWriter::write(base::AtomicFile& file, const std::stop_token& stop, base::Progress& progress) const {
  const std::string head = header();
  uint64_t total = 1;
  for (const GgufTensor& tensor : m_tensors)
    total += sizeOf(tensor);
  checkSpace(file.path(), head.size() + total + kAlignment * m_tensors.size(), "the GGUF file");
  file.write(head);
  uint64_t done = 0;
  for (const GgufTensor& tensor : m_tensors) {
    pad(file, aligned(file.position()));
    uint64_t written = 0;
    tensor.produce([&](std::span<const std::byte> bytes) {
      base::throwIfStopped(stop);
      file.write(bytes);
      written += bytes.size();
      progress.report(static_cast<double>(done + written) / static_cast<double>(total), tensor.name);
    });
    if (written != sizeOf(tensor))
      throw base::Error(base::ErrorCode::InvalidArgument, "'" + tensor.name + "': expected " +
                                                              std::to_string(sizeOf(tensor)) +
                                                              " bytes, found " + std::to_string(written));
    done += written;
  }
  pad(file, aligned(file.position()));
  base::throwIfStopped(stop);
}

} // namespace nibblesmith::exporting
