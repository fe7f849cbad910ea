// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/chat_template.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace nibblesmith::calibration {

/// Entry of a prompt file: a text or a chat.
struct Prompt {
  std::string text; ///< empty for a chat
  std::vector<tokenizer::ChatMessage> messages;
  std::string origin; ///< name for messages: "entry 3", "line 7"
};

/// Returns the text, or a chat's messages separated by empty lines, without a chat template.
std::string plainText(const Prompt& prompt);

/// Reads a UTF-8 text file. Throws base::Error{NotFound, Corrupt} with the offset of an invalid byte.
std::string readPlainText(const std::filesystem::path& path, const std::stop_token& stop = {});

/// Returns true if the file's extension is .json or .jsonl, which readPrompts() reads.
bool isPromptFile(const std::filesystem::path& path);

/// Reads the entries of a JSON array (.json) or of one object per line (.jsonl): {"prompt": ...}, {"text":
/// ...} or {"messages": [{"role", "content"}]}. Throws base::Error{NotFound, Corrupt} with the entry or line
/// and the message.
std::vector<Prompt> readPrompts(const std::filesystem::path& path, const std::stop_token& stop = {});

} // namespace nibblesmith::calibration
