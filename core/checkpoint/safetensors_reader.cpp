// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/safetensors_reader.hpp"

#include "base/foreign_text.hpp"
#include "base/json.hpp"
#include "checkpoint/checkpoint.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

namespace nibblesmith::checkpoint {

namespace {

using base::Error;
using base::ErrorCode;
using base::Json;
using tensor::DType;

// Same limit as the reference implementation.
constexpr uint64_t kMaxHeaderBytes = 100'000'000;

struct Entry {
  const std::string* name;
  uint64_t begin;
  uint64_t end;
};

[[noreturn]] void corrupt(const std::string& origin, const std::string& what) {
  throw Error(ErrorCode::Corrupt, origin + ": " + what);
}

DType dtypeOf(const std::string& text, const std::string& origin, const std::string& name) {
  for (const DType type : {DType::F32, DType::F16, DType::BF16, DType::F64, DType::F8_E4M3, DType::F8_E5M2,
                           DType::I8, DType::U8, DType::I16, DType::I32, DType::I64, DType::Bool})
    if (text == tensor::toString(type))
      return type;
  constexpr std::array<std::string_view, 8> kKnown = {"U16", "U32",     "U64",     "F8_E8M0",
                                                      "F4",  "F6_E2M3", "F6_E3M2", "C64"};
  const std::string subject = origin + ": tensor '" + base::foreignText(name) + "': ";
  if (std::find(kKnown.begin(), kKnown.end(), text) != kKnown.end())
    throw Error(ErrorCode::NotSupported, subject + "type " + text + " is not supported");
  corrupt(origin, "tensor '" + base::foreignText(name) +
                      "': expected a type such as F16, BF16 or F32, found '" + base::foreignText(text, 40) +
                      "'");
}

std::vector<int64_t> readShape(const Json& entry, const std::string& origin) {
  const auto shape = entry.find("shape");
  if (shape == entry.end() || !shape->is_array() || shape->size() > 16)
    base::throwJsonType(entry, "shape", "an array of at most 16 sizes", origin);
  std::vector<int64_t> sizes;
  for (const Json& size : *shape) {
    if (!size.is_number_unsigned() || size.get<uint64_t>() > uint64_t{INT64_MAX})
      base::throwJsonType(entry, "shape", "sizes of 0 or more", origin);
    sizes.push_back(size.get<int64_t>());
  }
  return sizes;
}

uint64_t readOffset(const Json& entry, size_t which, const std::string& origin) {
  const auto offsets = entry.find("data_offsets");
  if (offsets == entry.end() || !offsets->is_array() || offsets->size() != 2 ||
      !(*offsets)[which].is_number_unsigned())
    base::throwJsonType(entry, "data_offsets", "two offsets of 0 or more", origin);
  return (*offsets)[which].get<uint64_t>();
}

std::optional<uint64_t> expectedBytes(const tensor::TensorView& view) {
  int64_t elements = 1;
  for (const int64_t size : view.shape)
    if (__builtin_mul_overflow(elements, size, &elements))
      return std::nullopt;
  uint64_t bytes = 0;
  if (__builtin_mul_overflow(static_cast<uint64_t>(elements),
                             static_cast<uint64_t>(tensor::blockBytes(view.dtype)), &bytes))
    return std::nullopt;
  return bytes;
}

tensor::TensorView readEntry(const std::string& name, const Json& json, std::span<const std::byte> data,
                             const std::string& file, Entry& entry) {
  const std::string origin = file + ": tensor '" + base::foreignText(name) + "'";
  tensor::TensorView view;
  view.dtype = dtypeOf(base::required<std::string>(json, "dtype", origin), file, name);
  view.shape = readShape(json, origin);
  entry = {&name, readOffset(json, 0, origin), readOffset(json, 1, origin)};
  if (entry.begin > entry.end || entry.end > data.size())
    corrupt(origin, "bytes " + std::to_string(entry.begin) + " to " + std::to_string(entry.end) +
                        " lie outside the " + std::to_string(data.size()) + " bytes of the file's data" +
                        (entry.begin > entry.end ? " (they end before they begin)" : " (file cut short?)"));
  const std::optional<uint64_t> bytes = expectedBytes(view);
  if (!bytes)
    corrupt(origin, "the product of its shape overflows");
  if (*bytes != entry.end - entry.begin)
    corrupt(origin, view.describe() + " needs " + std::to_string(*bytes) + " bytes, its offsets span " +
                        std::to_string(entry.end - entry.begin));
  view.bytes = data.subspan(entry.begin, entry.end - entry.begin);
  return view;
}

void requireFilled(std::vector<Entry> entries, uint64_t size, const std::string& origin) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.begin, a.end, *a.name) < std::tie(b.begin, b.end, *b.name);
  });
  uint64_t position = 0;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].begin < position)
      corrupt(origin, "tensors '" + base::foreignText(*entries[i - 1].name) + "' and '" +
                          base::foreignText(*entries[i].name) + "' overlap");
    if (entries[i].begin > position)
      corrupt(origin, std::to_string(entries[i].begin - position) + " bytes before tensor '" +
                          base::foreignText(*entries[i].name) + "' belong to no tensor");
    position = entries[i].end;
  }
  if (position != size)
    corrupt(origin, "its tensors end at byte " + std::to_string(position) +
                        " of the data, the file at byte " + std::to_string(size));
}

/// Returns the JSON header, a view into the file.
std::string_view readHeader(const base::MappedFile& file) {
  const std::span<const std::byte> bytes = file.bytes();
  const std::string origin = file.path().string();
  uint64_t headerBytes = 0;
  if (bytes.size() < sizeof(headerBytes))
    corrupt(origin, "expected a safetensors file, found only " + std::to_string(bytes.size()) + " bytes");
  std::memcpy(&headerBytes, bytes.data(), sizeof(headerBytes));
  if (headerBytes > kMaxHeaderBytes || headerBytes > bytes.size() - sizeof(headerBytes))
    corrupt(origin, "its header claims " + std::to_string(headerBytes) + " bytes, the file has " +
                        std::to_string(bytes.size()) + " (cut short, or not a safetensors file)");
  return {reinterpret_cast<const char*>(bytes.data()) + sizeof(headerBytes), headerBytes};
}

} // namespace

std::map<std::string, tensor::TensorView> readSafetensors(const std::shared_ptr<const base::MappedFile>& file,
                                                          const std::stop_token& stop) {
  const std::string origin = file->path().string();
  const std::string_view header = readHeader(*file);
  const std::span<const std::byte> data = file->bytes().subspan(sizeof(uint64_t) + header.size());
  std::map<std::string, tensor::TensorView> tensors;
  std::vector<Entry> entries;
  const auto addTensor = [&](const std::string& name, const Json& json) {
    if (name == "__metadata__")
      return;
    if (!json.is_object())
      corrupt(origin, "tensor '" + base::foreignText(name) +
                          "': expected an object with dtype, shape and data_offsets, found " +
                          base::briefJson(json));
    const auto [tensor, isNew] = tensors.try_emplace(name);
    if (!isNew)
      corrupt(origin, "tensor '" + base::foreignText(name) + "' is listed twice in the header");
    requireTensorCount(tensors.size(), origin);
    tensor->second = readEntry(tensor->first, json, data, origin, entries.emplace_back());
    tensor->second.owner = file;
  };
  base::forEachJsonEntry(header, origin + ": header", Json::value_t::object, "an object of tensors",
                         addTensor, stop);
  requireFilled(std::move(entries), data.size(), origin);
  file->requireUnchanged();
  return tensors;
}

} // namespace nibblesmith::checkpoint
