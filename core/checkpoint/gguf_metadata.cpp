// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/gguf_metadata.hpp"

#include "base/foreign_text.hpp"
#include "base/utf8.hpp"

namespace nibblesmith::checkpoint {

namespace {

using base::Json;

constexpr int kMaxArrayDepth = 4;
// Metadata is stored as JSON values, which are larger than their file representation, and sparse files take
// no disk space, so the file size is no bound. The largest vocabularies, about 300,000 tokens with merges,
// take 100 MiB.
constexpr base::BudgetLimits kMetadataLimits = {uint64_t{512} << 20, 1'000'000'000, 120};
constexpr uint64_t kMaxStringBytes = uint64_t{32} << 20;
// Memory per value with libstdc++ and glibc, excluding its own bytes. Json's destructor moves an array's
// items to a growing stack, up to three times their size. It must not throw, so memory is reserved for it.
constexpr uint64_t kItemMemory = (1 + 3) * sizeof(Json);
constexpr uint64_t kStringMemory = 64;
constexpr uint64_t kArrayMemory = 64;
constexpr uint64_t kKeyMemory = 128;

enum class ValueType : uint32_t { U8, I8, U16, I16, U32, I32, F32, Bool, String, Array, U64, I64, F64 };

// Smallest size of a value of this type in the file; bounds a count before memory is allocated for it.
uint64_t leastBytes(ValueType type) {
  switch (type) {
  case ValueType::U8:
  case ValueType::I8:
  case ValueType::Bool:
    return 1;
  case ValueType::U16:
  case ValueType::I16:
    return 2;
  case ValueType::U32:
  case ValueType::I32:
  case ValueType::F32:
    return 4;
  case ValueType::String:
  case ValueType::U64:
  case ValueType::I64:
  case ValueType::F64:
    return 8;
  case ValueType::Array:
    return 12;
  }
  return 1;
}

Json readValue(GgufCursor& in, ValueType type, const std::string& key, int depth);

Json readArray(GgufCursor& in, const std::string& key, int depth) {
  if (depth >= kMaxArrayDepth)
    in.corrupt("'" + base::foreignText(key) + "': arrays are nested deeper than " +
               std::to_string(kMaxArrayDepth));
  const auto type = static_cast<ValueType>(in.read<uint32_t>(key));
  const auto count = in.read<uint64_t>(key);
  if (count > in.left() / leastBytes(type))
    in.corrupt("'" + base::foreignText(key) + "': an array claims " + std::to_string(count) +
               " items, the file has " + std::to_string(in.left()) + " bytes left");
  in.keep(kArrayMemory + count * kItemMemory, key); // cannot overflow: files have fewer than 2^57 bytes
  in.step(count, key);
  Json::array_t items;
  items.reserve(count);
  for (uint64_t i = 0; i < count; ++i)
    items.push_back(readValue(in, type, key, depth + 1));
  return items;
}

Json readValue(GgufCursor& in, ValueType type, const std::string& key, int depth) {
  switch (type) {
  case ValueType::U8:
    return in.read<uint8_t>(key);
  case ValueType::I8:
    return in.read<int8_t>(key);
  case ValueType::U16:
    return in.read<uint16_t>(key);
  case ValueType::I16:
    return in.read<int16_t>(key);
  case ValueType::U32:
    return in.read<uint32_t>(key);
  case ValueType::I32:
    return in.read<int32_t>(key);
  case ValueType::F32:
    return in.read<float>(key);
  case ValueType::Bool:
    return in.read<uint8_t>(key) != 0;
  case ValueType::String:
    return in.readString(key);
  case ValueType::Array:
    return readArray(in, key, depth);
  case ValueType::U64:
    return in.read<uint64_t>(key);
  case ValueType::I64:
    return in.read<int64_t>(key);
  case ValueType::F64:
    return in.read<double>(key);
  }
  in.corrupt("'" + base::foreignText(key) + "': expected a value type of 0 to 12, found " +
             std::to_string(static_cast<uint32_t>(type)));
}

} // namespace

GgufCursor::GgufCursor(std::span<const std::byte> bytes, const std::string& origin,
                       const std::stop_token& stop)
    : m_bytes(bytes), m_origin(origin), m_budget(origin, kMetadataLimits, stop) {}

std::string GgufCursor::readString(std::string_view what) {
  step(1, what);
  const auto length = read<uint64_t>(what);
  require(length, what);
  if (length > kMaxStringBytes)
    corrupt("'" + base::foreignText(what) + "': expected a string of at most " +
            std::to_string(kMaxStringBytes) + " bytes, found one of " + std::to_string(length));
  keep(length + kStringMemory, what);
  std::string text(reinterpret_cast<const char*>(m_bytes.data()) + m_position, length);
  m_position += length;
  return text;
}

std::string GgufCursor::readName(std::string_view what) {
  std::string name = readString(what);
  if (!base::isUtf8(name))
    corrupt(std::string(what) + ": expected UTF-8, found '" + base::foreignText(name) + "'");
  return name;
}

void GgufCursor::corrupt(const std::string& what) const {
  throw base::Error(base::ErrorCode::Corrupt, m_origin + ": " + what);
}

void GgufCursor::throwCutShort(uint64_t bytes, std::string_view what) const {
  corrupt("'" + base::foreignText(what) + "' at byte " + std::to_string(m_position) + " needs " +
          std::to_string(bytes) + " bytes, the file has " + std::to_string(left()) + " left (cut short?)");
}

base::Json readGgufMetadata(GgufCursor& in, uint64_t count) {
  Json metadata = Json::object();
  for (uint64_t i = 0; i < count; ++i) {
    std::string key = in.readName("metadata key " + std::to_string(i));
    in.keep(kKeyMemory, key);
    const auto type = static_cast<ValueType>(in.read<uint32_t>(key));
    Json value = readValue(in, type, key, 0);
    if (metadata.contains(key))
      in.corrupt("metadata key '" + base::foreignText(key) + "' appears twice");
    metadata[std::move(key)] = std::move(value);
  }
  return metadata;
}

} // namespace nibblesmith::checkpoint
