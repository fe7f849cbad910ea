// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/gguf_reader.hpp"

#include "base/foreign_text.hpp"
#include "base/mapped_file.hpp"
#include "checkpoint/gguf_metadata.hpp"
#include "checkpoint/huggingface_reader.hpp"

#include <algorithm>
#include <optional>

namespace nibblesmith::checkpoint {

namespace {

using base::Error;
using base::ErrorCode;
using base::Json;
using tensor::DType;

constexpr int kMaxDimensions = 4;
constexpr uint64_t kMaxAlignment = uint64_t{1} << 20;
constexpr int64_t kMaxShards = 1000;

// Returns the name in enum ggml_type; empty for unused or removed numbers.
std::string_view ggmlTypeName(uint32_t type) {
  constexpr std::array<std::string_view, 41> kNames = {
      "F32",   "F16",    "Q4_0",  "Q4_1", "",     "",        "Q5_0",   "Q5_1",    "Q8_0",  "Q8_1",   "Q2_K",
      "Q3_K",  "Q4_K",   "Q5_K",  "Q6_K", "Q8_K", "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S", "IQ4_NL", "IQ3_S",
      "IQ2_S", "IQ4_XS", "I8",    "I16",  "I32",  "I64",     "F64",    "IQ1_M",   "BF16",  "",       "",
      "",      "TQ1_0",  "TQ2_0", "",     "",     "",        "MXFP4",  "NVFP4"};
  return type < kNames.size() ? kNames[type] : std::string_view();
}

constexpr DType kReadTypes[] = {DType::F32,  DType::F16,  DType::BF16, DType::F64,    DType::I8,
                                DType::I16,  DType::I32,  DType::I64,  DType::Q4_0,   DType::Q4_1,
                                DType::Q5_0, DType::Q5_1, DType::Q8_0, DType::Q2_K,   DType::Q3_K,
                                DType::Q4_K, DType::Q5_K, DType::Q6_K, DType::IQ4_NL, DType::IQ4_XS};

/// Names of tensor::DType equal ggml's.
std::optional<DType> dtypeOf(uint32_t ggmlType) {
  for (const DType type : kReadTypes)
    if (tensor::toString(type) == ggmlTypeName(ggmlType))
      return type;
  return std::nullopt;
}

struct TensorInfo {
  std::string name;
  DType dtype = DType::F32;
  std::vector<int64_t> shape;
  uint64_t offset = 0;
  uint64_t bytes = 0;
};

void readShape(GgufCursor& in, const std::string& subject, TensorInfo& info) {
  const auto dimensions = in.read<uint32_t>(subject);
  if (dimensions < 1 || dimensions > kMaxDimensions)
    in.corrupt(subject + ": expected 1 to 4 dimensions, found " + std::to_string(dimensions));
  int64_t elements = 1;
  for (uint32_t i = 0; i < dimensions; ++i) {
    const auto size = in.read<uint64_t>(subject);
    if (size > uint64_t{INT64_MAX} || __builtin_mul_overflow(elements, static_cast<int64_t>(size), &elements))
      in.corrupt(subject + ": the product of its shape overflows");
    info.shape.insert(info.shape.begin(), static_cast<int64_t>(size));
  }
}

TensorInfo readTensorInfo(GgufCursor& in, uint64_t index) {
  TensorInfo info;
  info.name = in.readName("name of tensor " + std::to_string(index));
  const std::string subject = "tensor '" + base::foreignText(info.name) + "'";
  readShape(in, subject, info);
  const auto ggmlType = in.read<uint32_t>(subject);
  info.offset = in.read<uint64_t>(subject);
  const std::optional<DType> dtype = dtypeOf(ggmlType);
  if (!dtype && ggmlTypeName(ggmlType).empty())
    in.corrupt(subject + ": unknown tensor type " + std::to_string(ggmlType));
  if (!dtype)
    throw Error(ErrorCode::NotSupported,
                in.origin() + ": " + subject + ": type " + std::string(ggmlTypeName(ggmlType)) +
                    " is not read; F32, F16, BF16, Q4_0 to Q8_0, Q2_K to Q6_K, IQ4_NL and "
                    "IQ4_XS are");
  info.dtype = *dtype;
  if (info.shape.back() % tensor::blockElements(info.dtype) != 0)
    in.corrupt(subject + ": rows of " + std::to_string(info.shape.back()) + " do not fill whole blocks of " +
               std::string(tensor::toString(info.dtype)));
  uint64_t blocks = 1;
  for (const int64_t size : info.shape)
    blocks *= static_cast<uint64_t>(size);
  blocks /= static_cast<uint64_t>(tensor::blockElements(info.dtype));
  if (__builtin_mul_overflow(blocks, static_cast<uint64_t>(tensor::blockBytes(info.dtype)), &info.bytes))
    in.corrupt(subject + ": the bytes of its shape overflow");
  return info;
}

uint64_t alignmentOf(const Json& metadata, const GgufCursor& in) {
  const auto entry = metadata.find("general.alignment");
  if (entry == metadata.end())
    return 32;
  const uint64_t alignment = entry->is_number_unsigned() ? entry->get<uint64_t>() : 0;
  if (alignment == 0 || alignment > kMaxAlignment || (alignment & (alignment - 1)) != 0)
    in.corrupt("'general.alignment': expected a power of two, found " + base::briefJson(*entry));
  return alignment;
}

// Throws if tensors overlap: one of the entries must be wrong.
void requireDisjoint(std::vector<TensorInfo> infos, const GgufCursor& in) {
  std::sort(infos.begin(), infos.end(), [](const auto& a, const auto& b) {
    return std::tie(a.offset, a.bytes) < std::tie(b.offset, b.bytes);
  });
  for (size_t i = 1; i < infos.size(); ++i)
    if (infos[i - 1].offset + infos[i - 1].bytes > infos[i].offset)
      in.corrupt("tensors '" + base::foreignText(infos[i - 1].name) + "' and '" +
                 base::foreignText(infos[i].name) + "' overlap");
}

void readTensors(GgufCursor& in, uint64_t count, std::span<const std::byte> bytes,
                 const std::shared_ptr<const base::MappedFile>& file, Checkpoint& checkpoint) {
  std::vector<TensorInfo> infos;
  for (uint64_t i = 0; i < count; ++i)
    infos.push_back(readTensorInfo(in, i));
  const uint64_t alignment = alignmentOf(checkpoint.config, in);
  const uint64_t begin =
      std::min<uint64_t>((in.position() + alignment - 1) / alignment * alignment, bytes.size());
  const std::span<const std::byte> data = bytes.subspan(begin);
  for (const TensorInfo& info : infos) {
    const std::string subject = "tensor '" + base::foreignText(info.name) + "'";
    if (info.offset % alignment != 0)
      in.corrupt(subject + ": its offset " + std::to_string(info.offset) +
                 " is not a multiple of the alignment " + std::to_string(alignment));
    if (info.offset > data.size() || info.bytes > data.size() - info.offset)
      in.corrupt(subject + ": needs " + std::to_string(info.bytes) + " bytes at " +
                 std::to_string(info.offset) + ", the file has " + std::to_string(data.size()) +
                 " bytes of data (cut short?)");
    tensor::TensorView view{info.dtype, info.shape, data.subspan(info.offset, info.bytes), file};
    if (!checkpoint.tensors.emplace(info.name, std::move(view)).second)
      in.corrupt(subject + " is listed twice");
  }
  requireDisjoint(std::move(infos), in);
}

void checkVersion(uint32_t version, const std::string& origin) {
  if (version == 2 || version == 3)
    return;
  const bool bigEndian = version != 0 && (version & 0xffffu) == 0;
  throw Error(ErrorCode::NotSupported,
              origin + ": expected GGUF version 2 or 3, found " +
                  (bigEndian ? std::string("a big-endian file") : std::to_string(version)));
}

/// Returns a hint for a file that is not GGUF: its likely format from its name, and what to do.
std::string hintFor(const std::filesystem::path& path) {
  const std::string ending = path.extension().string();
  if (ending == ".safetensors")
    return " (open the directory it lies in)";
  if (ending == ".bin" || ending == ".pt" || ending == ".pth" || ending == ".ckpt")
    return std::string(" (a pickle file can run code when it is opened and is not read: ") + kPickleHint +
           ")";
  if (ending == ".onnx")
    return " (ONNX is written here, not read: open the model it was made from)";
  return {};
}

/// Opens one file, ignoring other shards.
Checkpoint openFile(const std::filesystem::path& path, const std::stop_token& stop) {
  const auto file = std::make_shared<const base::MappedFile>(path);
  const std::string origin = path.string();
  GgufCursor in(file->bytes(), origin, stop);
  constexpr uint32_t kMagic = 0x46554747; // "GGUF"
  if (file->bytes().size() < sizeof(kMagic) || in.read<uint32_t>("magic") != kMagic)
    throw Error(
        ErrorCode::Corrupt,
        origin + ": expected a GGUF file or a model directory, found a file that does not begin with 'GGUF'" +
            hintFor(path));
  checkVersion(in.read<uint32_t>("version"), origin);
  const auto tensorCount = in.read<uint64_t>("tensor count");
  const auto metadataCount = in.read<uint64_t>("metadata count");
  // A key takes at least 8 + 4 + 1 bytes, a tensor's entry 8 + 4 + 8 + 4 + 8.
  if (metadataCount > in.left() / 13 || tensorCount > in.left() / 32)
    in.corrupt("its header claims " + std::to_string(metadataCount) + " keys and " +
               std::to_string(tensorCount) + " tensors, the file has " + std::to_string(in.left()) +
               " bytes left");
  requireTensorCount(tensorCount, origin);
  Checkpoint checkpoint;
  checkpoint.path = path;
  checkpoint.format = Format::Gguf;
  checkpoint.files = {file};
  checkpoint.config = readGgufMetadata(in, metadataCount);
  readTensors(in, tensorCount, file->bytes(), file, checkpoint);
  file->requireUnchanged();
  return checkpoint;
}

/// Returns the file name's ending for shard `number` of `count`: "-00001-of-00003.gguf" for the first.
std::string shardEnding(int64_t number, int64_t count) {
  const auto digits = [](int64_t value) {
    const std::string text = std::to_string(value);
    return std::string(text.size() < 5 ? 5 - text.size() : 0, '0') + text;
  };
  return "-" + digits(number) + "-of-" + digits(count) + ".gguf";
}

/// Adds the tensors of all shards after the first.
void readFurtherShards(int64_t count, Checkpoint& checkpoint, const std::stop_token& stop) {
  const std::string origin = checkpoint.path.string();
  const auto number = base::optional<int64_t>(checkpoint.config, "split.no", 0, origin);
  const std::string ending = shardEnding(number + 1, count);
  std::string base = checkpoint.path.filename().string();
  if (count > kMaxShards || number < 0 || number >= count || !base.ends_with(ending))
    throw Error(ErrorCode::Corrupt, origin + ": 'split.no' " + std::to_string(number) + " of 'split.count' " +
                                        std::to_string(count) + ": expected a file name that ends in '" +
                                        ending + "'");
  base.resize(base.size() - ending.size());
  if (number != 0)
    throw Error(ErrorCode::InvalidArgument, origin + ": it is part " + std::to_string(number + 1) + " of " +
                                                std::to_string(count) + ": open '" + base +
                                                shardEnding(1, count) + "'");
  for (int64_t i = 1; i < count; ++i) {
    const std::filesystem::path path = checkpoint.path.parent_path() / (base + shardEnding(i + 1, count));
    Checkpoint shard = openFile(path, stop);
    const auto found = base::optional<int64_t>(shard.config, "split.no", -1, path.string());
    if (found != i)
      throw Error(ErrorCode::Corrupt, path.string() + ": 'split.no': expected " + std::to_string(i) +
                                          ", found " + std::to_string(found));
    for (auto& [name, view] : shard.tensors)
      if (!checkpoint.tensors.emplace(name, std::move(view)).second)
        throw Error(ErrorCode::Corrupt,
                    path.string() + ": tensor '" + base::foreignText(name) + "' is in another file too");
    requireTensorCount(checkpoint.tensors.size(), path.string());
    checkpoint.files.insert(checkpoint.files.end(), shard.files.begin(), shard.files.end());
  }
  const auto total = base::optional<int64_t>(checkpoint.config, "split.tensors.count",
                                             std::ssize(checkpoint.tensors), origin);
  if (total != std::ssize(checkpoint.tensors))
    throw Error(ErrorCode::Corrupt, origin + ": 'split.tensors.count': expected " + std::to_string(total) +
                                        " tensors in all files, found " +
                                        std::to_string(checkpoint.tensors.size()));
}

} // namespace

Checkpoint openGguf(const std::filesystem::path& path, const std::stop_token& stop) {
  Checkpoint checkpoint = openFile(path, stop);
  if (const auto count = base::optional<int64_t>(checkpoint.config, "split.count", 1, path.string());
      count > 1)
    readFurtherShards(count, checkpoint, stop);
  return checkpoint;
}

} // namespace nibblesmith::checkpoint
