// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace nibblesmith::calibration {

/// A text file as UTF-8. Throws base::Error{NotFound, Corrupt} naming the byte where it is no text.
std::string readPlainText(const std::filesystem::path& path);

/// The prompts of [{"prompt": ...}] (.json) or of one object per line (.jsonl), with "prompt" or "text".
/// Throws base::Error{NotFound, Corrupt} naming the entry or line.
std::vector<std::string> readPrompts(const std::filesystem::path& path);

} // namespace nibblesmith::calibration
