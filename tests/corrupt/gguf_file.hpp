// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "write_bytes.hpp"

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace nibblesmith::test {

/// Hand-made GGUF file in which a test can falsify any part.
struct GgufFile {
  static constexpr uint32_t kU32 = 4, kF32 = 6, kBool = 7, kString = 8, kArray = 9, kI32 = 5;

  std::string magic = "GGUF";
  uint32_t version = 3;
  std::vector<std::string> keys;    ///< encoded entries
  std::vector<std::string> tensors; ///< encoded entries
  uint64_t claimedKeys = ~uint64_t{0};
  uint64_t claimedTensors = ~uint64_t{0};
  uint64_t alignment = 32;
  std::string data;

  template <typename T>
  static std::string number(T value) {
    std::string bytes(sizeof(T), '\0');
    std::memcpy(bytes.data(), &value, sizeof(T));
    return bytes;
  }
  static std::string text(const std::string& value) { return number<uint64_t>(value.size()) + value; }
  static std::string texts(const std::vector<std::string>& values) {
    std::string bytes = number(kString) + number<uint64_t>(values.size());
    for (const std::string& value : values)
      bytes += text(value);
    return bytes;
  }
  template <typename T>
  static std::string numbers(uint32_t type, const std::vector<T>& values) {
    std::string bytes = number(type) + number<uint64_t>(values.size());
    for (const T value : values)
      bytes += number(value);
    return bytes;
  }

  GgufFile& key(const std::string& name, uint32_t type, const std::string& value) {
    keys.push_back(text(name) + number(type) + value);
    return *this;
  }
  /// Adds a tensor. dimensions: in file order, row length first.
  GgufFile& tensor(const std::string& name, const std::vector<uint64_t>& dimensions, uint32_t type,
                   uint64_t offset) {
    std::string bytes = text(name) + number(static_cast<uint32_t>(dimensions.size()));
    for (const uint64_t size : dimensions)
      bytes += number(size);
    tensors.push_back(bytes + number(type) + number(offset));
    return *this;
  }

  std::string bytes() const {
    std::string file = magic + number(version);
    file += number<uint64_t>(claimedTensors == ~uint64_t{0} ? tensors.size() : claimedTensors);
    file += number<uint64_t>(claimedKeys == ~uint64_t{0} ? keys.size() : claimedKeys);
    for (const std::string& entry : keys)
      file += entry;
    for (const std::string& entry : tensors)
      file += entry;
    file.resize((file.size() + alignment - 1) / alignment * alignment, '\0');
    return file + data;
  }

  /// Returns a valid file with one f32 matrix "w" [2, 4] and one vector "v" [8].
  static GgufFile valid() {
    GgufFile file;
    file.key("general.architecture", kString, text("llama"))
        .key("llama.block_count", kU32, number<uint32_t>(2))
        .key("numbers", kArray, numbers<int32_t>(kI32, {1, -2, 3}))
        .tensor("w", {4, 2}, 0, 0)
        .tensor("v", {8}, 0, 32);
    for (int i = 0; i < 16; ++i)
      file.data += number(static_cast<float>(i));
    return file;
  }
};

/// Returns a vocabulary-only GGUF of model "llama": three special tokens, bytes, and a few pieces.
inline GgufFile scoreVocabulary() {
  std::vector<std::string> tokens = {"<unk>", "<s>", "</s>"};
  std::vector<int32_t> types = {2, 3, 3};
  constexpr const char* kDigits = "0123456789ABCDEF";
  for (int byte = 0; byte < 256; ++byte) {
    tokens.push_back(std::string("<0x") + kDigits[byte >> 4] + kDigits[byte & 15] + ">");
    types.push_back(6);
  }
  for (const char* piece : {"\xE2\x96\x81", "a", "b", "c", "ab",
                            "\xE2\x96\x81"
                            "a",
                            "\xE2\x96\x81"
                            "ab",
                            "bc"}) {
    tokens.push_back(piece);
    types.push_back(1);
  }
  std::vector<float> scores(tokens.size(), 0.0f);
  for (size_t i = 259; i < tokens.size(); ++i)
    scores[i] = -static_cast<float>(i - 258);
  GgufFile file;
  file.key("tokenizer.ggml.model", GgufFile::kString, GgufFile::text("llama"))
      .key("tokenizer.ggml.tokens", GgufFile::kArray, GgufFile::texts(tokens))
      .key("tokenizer.ggml.scores", GgufFile::kArray, GgufFile::numbers(GgufFile::kF32, scores))
      .key("tokenizer.ggml.token_type", GgufFile::kArray, GgufFile::numbers(GgufFile::kI32, types));
  return file;
}

} // namespace nibblesmith::test
