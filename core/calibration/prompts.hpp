// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/chat_template.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace nibblesmith::calibration {

/// One entry of a file of prompts: a text, or a chat.
struct Prompt {
  std::string text; ///< empty where there are messages
  std::vector<tokenizer::ChatMessage> messages;
  std::string origin; ///< "entry 3", "line 7"
};

/// A text file as UTF-8. Throws base::Error{NotFound, Corrupt} naming the byte where it is no text.
std::string readPlainText(const std::filesystem::path& path);

/// Whether readPrompts() is for this file: by its name (.json, .jsonl).
bool isPromptFile(const std::filesystem::path& path);

/// The entries of a JSON array (.json) or of one object per line (.jsonl): {"prompt": ...}, {"text": ...} or
/// {"messages": [{"role", "content"}]}. Throws base::Error{NotFound, Corrupt} naming the entry or line and
/// the message.
std::vector<Prompt> readPrompts(const std::filesystem::path& path);

} // namespace nibblesmith::calibration
