// SPDX-License-Identifier: Apache-2.0
#include "calibration/token_source.hpp"

#include "base/error.hpp"
#include "base/mapped_file.hpp"
#include "calibration/prompts.hpp"

#include <string>

namespace nibblesmith::calibration {

std::vector<tokenizer::TokenId> readTokenIds(const std::filesystem::path& path, int64_t vocabularySize) {
  const base::MappedFile file(path);
  const auto bytes = file.bytes();
  if (bytes.size() % 4 != 0)
    throw base::Error(base::ErrorCode::Corrupt,
                      path.string() + ": expected int32 token ids, a multiple of 4 bytes, found " +
                          std::to_string(bytes.size()) + " bytes");
  std::vector<tokenizer::TokenId> ids(bytes.size() / 4);
  for (size_t i = 0; i < ids.size(); ++i) {
    uint32_t value = 0;
    for (size_t b = 0; b < 4; ++b)
      value |= std::to_integer<uint32_t>(bytes[4 * i + b]) << (8 * b);
    ids[i] = static_cast<tokenizer::TokenId>(value);
    if (ids[i] < 0 || ids[i] >= vocabularySize)
      throw base::Error(base::ErrorCode::Corrupt,
                        path.string() + ": token " + std::to_string(i) + ": expected an id in 0.." +
                            std::to_string(vocabularySize - 1) + ", found " + std::to_string(ids[i]));
  }
  file.requireUnchanged();
  return ids;
}

bool isTokenFile(const std::filesystem::path& path) { return path.extension() == ".i32"; }

std::vector<tokenizer::TokenId> readTokens(const std::filesystem::path& path,
                                           const tokenizer::Tokenizer& tokenizer,
                                           const std::stop_token& stop) {
  if (isTokenFile(path))
    return readTokenIds(path, tokenizer.vocabularySize());
  return tokenizer.encode(readPlainText(path, stop), false, false, stop);
}

} // namespace nibblesmith::calibration
