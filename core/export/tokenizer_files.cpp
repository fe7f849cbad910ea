// SPDX-License-Identifier: Apache-2.0
#include "export/tokenizer_files.hpp"

#include "base/file.hpp"
#include "export/sentencepiece_file.hpp"
#include "export/tokenizer_json.hpp"

namespace nibblesmith::exporting {

namespace {

namespace fs = std::filesystem;

constexpr const char* kTokenizerFiles[] = {"tokenizer.json",      "tokenizer.model",         "tokenizer_config.json",
                                           "vocab.json",          "merges.txt",              "special_tokens_map.json",
                                           "added_tokens.json",   "chat_template.jinja",     "chat_template.json",
                                           "generation_config.json"};

void copyFiles(const fs::path& from, const fs::path& to) {
  for (const char* name : kTokenizerFiles) {
    std::error_code failure;
    if (!fs::is_regular_file(from / name, failure))
      continue;
    const base::MappedFile file(from / name);
    base::AtomicFile copy(to / name);
    copy.write(file.bytes());
    copy.commit();
  }
}

void writeVocabulary(const checkpoint::Checkpoint& source, const fs::path& directory) {
  const auto tokenizer = tokenizer::loadTokenizer(source);
  const tokenizer::Vocabulary& vocabulary = tokenizer->vocabulary();
  const base::Json config = tokenizerConfigJson(vocabulary, chatTemplate(source));
  if (vocabulary.model == "llama") {
    base::writeFileAtomically(directory / "tokenizer.model", sentencePieceModel(vocabulary));
  } else {
    base::writeFileAtomically(directory / "tokenizer.json", tokenizerJson(vocabulary).dump(1) + "\n");
  }
  base::writeFileAtomically(directory / "tokenizer_config.json", config.dump(2) + "\n");
}

/// The file's JSON, or null where it is absent or broken: a chat template is no reason to fail.
base::Json jsonOrNull(const fs::path& path) {
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored))
    return {};
  try {
    return base::readJsonFile(path);
  } catch (const base::Error&) {
    return {};
  }
}

std::string textAt(const base::Json& object, const std::string& key) {
  return object.is_object() && object.contains(key) && object.at(key).is_string() ? object.at(key).get<std::string>()
                                                                                  : std::string();
}

} // namespace

std::string writeTokenizerFiles(const checkpoint::Checkpoint& source, const fs::path& directory) {
  if (source.format == checkpoint::Format::HuggingFace) {
    copyFiles(source.path, directory);
    return {};
  }
  try {
    writeVocabulary(source, directory);
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
  if (source.format == checkpoint::Format::Gguf)
    return textAt(source.config, "tokenizer.chat_template");
  std::error_code ignored;
  if (const fs::path file = source.path / "chat_template.jinja"; fs::is_regular_file(file, ignored))
    return base::readTextFile(file, uint64_t{1} << 20);
  return textAt(jsonOrNull(source.path / "tokenizer_config.json"), "chat_template");
}

} // namespace nibblesmith::exporting
