// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "export/output_directory.hpp"
#include "export/tokenizer_audit.hpp"

#include <string>

namespace nibblesmith::exporting {

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
