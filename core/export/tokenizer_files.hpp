// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "export/output_directory.hpp"
#include "export/tokenizer_audit.hpp"

#include <string>

namespace nibblesmith::exporting {

/// Puts the source's tokenizer into the directory of an artifact: its files as they are, or for a GGUF source
/// files made from its vocabulary (tokenizer.model where tokens have scores, tokenizer.json for byte-level
/// BPE, and tokenizer_config.json). Throws base::Error where the vocabulary cannot be read or written, where
/// a file is no regular one, and for symbolic links that leave the source's directory (base::openWithin).
void writeTokenizerFiles(const checkpoint::Checkpoint& source, OutputDirectory& output,
                         const std::stop_token& stop);

/// Texts whose ids may differ between such a directory's tokenizer and its source's: where sentencepiece's
/// library and llama.cpp disagree, no file makes them agree.
inline constexpr TextKind kToleratedInFiles[] = {TextKind::Rare};

/// Calls writeTokenizerFiles() for a directory that is not kept, and reads back what it made of a GGUF
/// source. Throws as that does, and base::Error{NotSupported} where the files would not give the source's
/// tokenizer; base::Cancelled. Takes seconds, before hours of work.
void checkTokenizerWritable(const checkpoint::Checkpoint& source, OutputDirectory& trial,
                            const std::stop_token& stop);

/// tokenizer::readChatTemplate(), or empty where there is none that can be read. Throws base::Error{Io}.
std::string chatTemplate(const checkpoint::Checkpoint& source);

} // namespace nibblesmith::exporting
