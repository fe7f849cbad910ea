// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "export/output_directory.hpp"
#include "export/tokenizer_audit.hpp"

#include <cstdint>
#include <span>
#include <string>

namespace nibblesmith::exporting {

/// File of a Hugging Face directory besides the weights.
struct SideFile {
  const char* name;
  uint64_t maxBytes; ///< limit of the code that reads it
};

/// Largest JSON file that is read (base::readJsonFile).
inline constexpr uint64_t kMaxJsonFileBytes = uint64_t{256} << 20;

/// Returns the files that loadTokenizer(), readChatTemplate() and the model's configuration are read from,
/// and those that other programs read in an artifact. They are copied into artifacts and are part of an
/// artifact's identity.
std::span<const SideFile> tokenizerFiles();

/// Writes the source's tokenizer into the directory of an artifact: copies of its files, or for a GGUF source
/// files generated from its vocabulary (tokenizer.model with scores, tokenizer.json for byte-level BPE, and
/// tokenizer_config.json). Throws base::Error if the vocabulary cannot be read or written, a file is not a
/// regular one, or a symbolic link leaves the source's directory (base::openWithin).
void writeTokenizerFiles(const checkpoint::Checkpoint& source, OutputDirectory& output,
                         const std::stop_token& stop);

/// Kinds of texts whose ids may differ between the written tokenizer and its source. sentencepiece's library
/// and llama.cpp disagree on them, so no file can make them agree.
inline constexpr TextKind kToleratedInFiles[] = {TextKind::Rare};

/// Calls writeTokenizerFiles() for a directory that is not kept; for a GGUF source, reopens and compares the
/// result. Throws like writeTokenizerFiles(); base::Error{NotSupported} if the files would not reproduce the
/// source's tokenizer; base::Cancelled. Takes seconds, before hours of work.
void checkTokenizerWritable(const checkpoint::Checkpoint& source, OutputDirectory& trial,
                            const std::stop_token& stop);

/// Returns tokenizer::readChatTemplate(), or an empty string if there is no readable template. Throws
/// base::Error{Io}.
std::string chatTemplate(const checkpoint::Checkpoint& source);

} // namespace nibblesmith::exporting
