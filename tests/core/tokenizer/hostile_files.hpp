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

/// A tokenizer.json of "a" and "aa" that is as small as can be.
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

/// Places for files that would make a program work for hours, fill its memory or read what is not theirs, in
/// a process that may take a gigabyte more.
class HostileFiles {
public:
  /// Writes a file into a directory of its own, which is returned.
  std::filesystem::path write(const std::string& name, const std::string& bytes) {
    const std::filesystem::path path =
        std::filesystem::path(m_root.path().toStdString()) / std::to_string(m_next++);
    writeBytes(path / name, bytes);
    return path;
  }
  /// Opens the tokenizer and encodes a text; says what is wrong with the refusal, or nothing.
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
