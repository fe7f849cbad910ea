// SPDX-License-Identifier: Apache-2.0
#include "export/tokenizer_files.hpp"

#include "base/file.hpp"
#include "base/input_file.hpp"
#include "export/sentencepiece_file.hpp"
#include "export/tokenizer_json.hpp"
#include "tokenizer/chat_template.hpp"
#include "tokenizer/limits.hpp"

namespace nibblesmith::exporting {

namespace {

namespace fs = std::filesystem;

namespace limits = tokenizer::limits;

constexpr uint64_t kMaxTemplateBytes = uint64_t{1} << 20;

constexpr SideFile kTokenizerFiles[] = {
    {"tokenizer.json", kMaxJsonFileBytes},          {"tokenizer.model", limits::kModelFileBytes},
    {"tokenizer_config.json", kMaxJsonFileBytes},   {"vocab.json", kMaxJsonFileBytes},
    {"merges.txt", limits::kMergesFileBytes},       {"qwen.tiktoken", limits::kModelFileBytes},
    {"special_tokens_map.json", kMaxJsonFileBytes}, {"added_tokens.json", kMaxJsonFileBytes},
    {"chat_template.json", kMaxJsonFileBytes},      {"chat_template.jinja", kMaxTemplateBytes},
    {"generation_config.json", kMaxJsonFileBytes},  {"tekken.json", kMaxJsonFileBytes}};

/// Returns true if the name exists, also as a dangling symbolic link.
bool isThere(const fs::path& path) {
  std::error_code failure;
  return fs::exists(fs::symlink_status(path, failure));
}

/// Returns the message without the path of a directory that will be removed.
std::string withoutDirectory(std::string text, const fs::path& directory) {
  const std::string prefix = directory.string() + "/";
  for (size_t at = text.find(prefix); at != std::string::npos; at = text.find(prefix, at))
    text.erase(at, prefix.size());
  return text;
}

void copyFiles(const fs::path& from, OutputDirectory& output, const std::stop_token& stop) {
  for (const SideFile& file : kTokenizerFiles) {
    if (!isThere(from / file.name))
      continue;
    const std::string text = base::openWithin(from, file.name).text(file.maxBytes, stop);
    base::AtomicFile copy = output.create(file.name);
    copy.write(text);
    copy.commit();
  }
}

void writeVocabulary(const checkpoint::Checkpoint& source, OutputDirectory& output,
                     const std::stop_token& stop) {
  const auto tokenizer = tokenizer::loadTokenizer(source, stop);
  const tokenizer::Vocabulary& vocabulary = tokenizer->vocabulary();
  const base::Json config = tokenizerConfigJson(vocabulary, chatTemplate(source));
  if (vocabulary.model == tokenizer::TokenizerModel::ByteLevelBpe)
    output.write("tokenizer.json", tokenizerJson(vocabulary).dump(1) + "\n");
  else
    output.write("tokenizer.model", sentencePieceModel(vocabulary));
  output.write("tokenizer_config.json", config.dump(2) + "\n");
}

} // namespace

std::span<const SideFile> tokenizerFiles() { return kTokenizerFiles; }

void writeTokenizerFiles(const checkpoint::Checkpoint& source, OutputDirectory& output,
                         const std::stop_token& stop) {
  if (source.format == checkpoint::Format::HuggingFace)
    return copyFiles(source.path, output, stop);
  try {
    writeVocabulary(source, output, stop);
  } catch (const base::Json::exception&) { // JSON requires UTF-8
    throw base::Error(base::ErrorCode::NotSupported,
                      "'" + source.path.string() +
                          "': expected a vocabulary and a chat template in UTF-8, which a tokenizer's files "
                          "need, found other bytes");
  }
}

void checkTokenizerWritable(const checkpoint::Checkpoint& source, OutputDirectory& trial,
                            const std::stop_token& stop) {
  if (source.format == checkpoint::Format::HuggingFace)
    return writeTokenizerFiles(source, trial, stop);
  std::string found;
  try {
    writeTokenizerFiles(source, trial, stop);
    found = compareTokenizers(*tokenizer::loadTokenizer(source, stop),
                              *tokenizer::openTokenizer(trial.path(), stop), kToleratedInFiles, stop)
                .failure;
  } catch (const base::Error& error) {
    if (error.code() == base::ErrorCode::Io)
      throw;
    found = withoutDirectory(error.what(), trial.path());
  }
  if (!found.empty())
    throw base::Error(base::ErrorCode::NotSupported,
                      "'" + source.path.string() +
                          "': expected a vocabulary that can be written as a tokenizer's files, found " +
                          found + "; quantize the model's Hugging Face directory instead");
}

std::string chatTemplate(const checkpoint::Checkpoint& source) {
  try {
    return tokenizer::readChatTemplate(source).value_or(std::string());
  } catch (const base::Error& error) {
    if (error.code() == base::ErrorCode::Io)
      throw;
    return {}; // a broken chat template is not an error here
  }
}

} // namespace nibblesmith::exporting
