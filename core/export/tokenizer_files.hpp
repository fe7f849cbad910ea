// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/checkpoint.hpp"
#include "export/output_directory.hpp"

#include <string>

namespace nibblesmith::exporting {

/// Puts the source's tokenizer into the directory of an artifact: its files as they are, or for a GGUF source
/// files made from its vocabulary (tokenizer.model for sentencepiece, tokenizer.json for byte-level BPE, and
/// tokenizer_config.json). Returns a remark where none could be written, else nothing.
/// Symbolic links that leave the source's directory are refused (base::openWithin). Throws base::Error{Io}.
std::string writeTokenizerFiles(const checkpoint::Checkpoint& source, OutputDirectory& output);

/// Opens each tokenizer file that writeTokenizerFiles() will copy, so that one that is no regular file, or is
/// a link to a file outside the model's directory, is refused before hours of work. Throws base::Error{Io,
/// InvalidArgument}.
void checkTokenizerFiles(const checkpoint::Checkpoint& source);

/// tokenizer::readChatTemplate(), or empty where there is none that can be read. Throws base::Error{Io}.
std::string chatTemplate(const checkpoint::Checkpoint& source);

} // namespace nibblesmith::exporting
