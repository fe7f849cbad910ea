// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "memory_limit.hpp"
#include "refusal.hpp"
#include "tokenizer/tokenizer.hpp"
#include "write_bytes.hpp"

#include <QTemporaryDir>

namespace nibblesmith::test {

inline std::shared_ptr<const tokenizer::Tokenizer>
loadTokenizerIn(const std::filesystem::path& directory, const base::Json& config = base::Json::object()) {
  checkpoint::Checkpoint files;
  files.path = directory;
  files.config = config;
  return tokenizer::loadTokenizer(files);
}

/// Returns a minimal tokenizer.json of "a" and "aa".
inline base::Json smallBpe() {
  using base::Json;
  return {{"added_tokens", Json::array()},
          {"normalizer", nullptr},
          {"pre_tokenizer", nullptr},
          {"post_processor", nullptr},
          {"decoder", nullptr},
          {"model",
           {{"type", "BPE"},
            {"unk_token", "u"},
            {"vocab", {{"u", 0}, {"a", 1}, {"aa", 2}}},
            {"merges", Json::array({Json::array({"a", "a"})})}}}};
}

/// Directory for malicious files, which would take hours or all memory or cause reads out of bounds. Limits
/// this process to one more gigabyte.
class HostileFiles {
public:
  /// Writes a file into a new directory, and returns the directory.
  std::filesystem::path write(const std::string& name, const std::string& bytes) {
    const std::filesystem::path path =
        std::filesystem::path(m_root.path().toStdString()) / std::to_string(m_next++);
    writeBytes(path / name, bytes);
    return path;
  }
  /// Opens the tokenizer and encodes a text. Returns what is wrong with the error; empty: nothing.
  static std::string refused(const std::filesystem::path& directory, base::ErrorCode code,
                             const std::vector<std::string>& words, const std::string& text = "The board") {
    return check(refusalOf([&] { loadTokenizerIn(directory)->encode(text, true); }), code, words);
  }

private:
  QTemporaryDir m_root;
  int m_next = 0;
  MemoryLimit m_limit{uint64_t{1} << 30};
};

} // namespace nibblesmith::test
