// SPDX-License-Identifier: Apache-2.0
#include "export/tokenizer_files.hpp"

#include "base/file.hpp"
#include "base/input_file.hpp"
#include "export/sentencepiece_file.hpp"
#include "export/tokenizer_json.hpp"
#include "tokenizer/chat_template.hpp"

namespace nibblesmith::exporting {

namespace {

namespace fs = std::filesystem;

constexpr const char* kTokenizerFiles[] = {
    "tokenizer.json",     "tokenizer.model",         "tokenizer_config.json", "vocab.json",
    "merges.txt",         "special_tokens_map.json", "added_tokens.json",     "chat_template.jinja",
    "chat_template.json", "generation_config.json"};

constexpr uint64_t kMaxFileBytes = uint64_t{256} << 20;

/// True for a symbolic link that leads nowhere, too.
bool isThere(const fs::path& path) {
  std::error_code failure;
  return fs::exists(fs::symlink_status(path, failure));
}

std::string readFile(const fs::path& directory, const char* name) {
  return base::openWithin(directory, name).text(kMaxFileBytes);
}

void copyFiles(const fs::path& from, OutputDirectory& output) {
  for (const char* name : kTokenizerFiles) {
    if (!isThere(from / name))
      continue;
    base::AtomicFile copy = output.create(name);
    copy.write(readFile(from, name));
    copy.commit();
  }
}

void writeVocabulary(const checkpoint::Checkpoint& source, OutputDirectory& output) {
  const auto tokenizer = tokenizer::loadTokenizer(source);
  const tokenizer::Vocabulary& vocabulary = tokenizer->vocabulary();
  const base::Json config = tokenizerConfigJson(vocabulary, chatTemplate(source));
  if (vocabulary.model == "llama") {
    output.write("tokenizer.model", sentencePieceModel(vocabulary));
  } else {
    output.write("tokenizer.json", tokenizerJson(vocabulary).dump(1) + "\n");
  }
  output.write("tokenizer_config.json", config.dump(2) + "\n");
}

} // namespace

void checkTokenizerFiles(const checkpoint::Checkpoint& source) {
  if (source.format != checkpoint::Format::HuggingFace)
    return;
  for (const char* name : kTokenizerFiles)
    if (isThere(source.path / name))
      readFile(source.path, name);
}

std::string writeTokenizerFiles(const checkpoint::Checkpoint& source, OutputDirectory& output) {
  if (source.format == checkpoint::Format::HuggingFace) {
    copyFiles(source.path, output);
    return {};
  }
  try {
    writeVocabulary(source, output);
    return {};
  } catch (const base::Error& error) {
    if (error.code() == base::ErrorCode::Io)
      throw;
    return std::string("no tokenizer was written: ") + error.what();
  } catch (const base::Json::exception&) {
    return "no tokenizer was written: the vocabulary is not valid UTF-8";
  }
}

std::string chatTemplate(const checkpoint::Checkpoint& source) {
  try {
    return tokenizer::readChatTemplate(source).value_or(std::string());
  } catch (const base::Error& error) {
    if (error.code() == base::ErrorCode::Io)
      throw;
    return {}; // a broken chat template is no reason to fail
  }
}

} // namespace nibblesmith::exporting
