// SPDX-License-Identifier: Apache-2.0
#include "calibration/prompts.hpp"

#include "base/input_file.hpp"
#include "base/join.hpp"
#include "base/json.hpp"
#include "base/utf8.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace nibblesmith::calibration {

namespace {

constexpr uint64_t kMaxFileBytes = uint64_t{1} << 30;

std::vector<tokenizer::ChatMessage> messagesOf(const base::Json& entry, const std::string& origin) {
  const base::Json& list = base::requiredArray(entry, "messages", origin);
  if (list.empty())
    base::throwJsonType(entry, "messages", "a list of {\"role\", \"content\"}", origin);
  std::vector<tokenizer::ChatMessage> messages;
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string where = origin + ", message " + std::to_string(i + 1);
    const auto role = base::required<std::string>(list[i], "role", where);
    if (role != "system" && role != "user" && role != "assistant")
      base::throwJsonType(list[i], "role", "system, user or assistant", where);
    messages.push_back({role, base::required<std::string>(list[i], "content", where)});
  }
  return messages;
}

Prompt promptOf(const base::Json& entry, const std::filesystem::path& path, std::string name) {
  const std::string origin = path.string() + ", " + name;
  Prompt prompt;
  prompt.origin = std::move(name);
  if (entry.is_object() && entry.contains("messages"))
    prompt.messages = messagesOf(entry, origin);
  else if (entry.is_object() && !entry.contains("prompt") && entry.contains("text"))
    prompt.text = base::required<std::string>(entry, "text", origin);
  else
    prompt.text = base::required<std::string>(entry, "prompt", origin);
  return prompt;
}

/// Appends a prompt. Each takes about 200 bytes in addition to its text, so their number is limited, too.
void addPrompt(const base::Json& entry, const std::filesystem::path& path, std::string name,
               std::vector<Prompt>& prompts) {
  constexpr size_t kMaxPrompts = 1'000'000;
  if (prompts.size() == kMaxPrompts)
    throw base::Error(base::ErrorCode::InvalidArgument, path.string() + ": " + name + ": expected at most " +
                                                            std::to_string(kMaxPrompts) +
                                                            " prompts in a file, found more");
  prompts.push_back(promptOf(entry, path, std::move(name)));
}

std::vector<Prompt> readJsonLines(const std::filesystem::path& path, const std::stop_token& stop) {
  const std::string text = base::readTextFile(path, kMaxFileBytes, stop);
  std::vector<Prompt> prompts;
  size_t line = 0;
  for (size_t begin = 0; begin < text.size();) {
    base::throwIfStopped(stop);
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view content(text.data() + begin, end - begin);
    ++line;
    begin = end + 1;
    if (content.find_first_not_of(" \t\r") == std::string_view::npos)
      continue;
    const std::string name = "line " + std::to_string(line);
    addPrompt(base::parseJson(content, path.string() + ", " + name, stop), path, name, prompts);
  }
  return prompts;
}

} // namespace

std::string plainText(const Prompt& prompt) {
  std::string text = prompt.text;
  for (const tokenizer::ChatMessage& message : prompt.messages)
    base::appendTo(text, message.content, "\n\n");
  return text;
}

std::string readPlainText(const std::filesystem::path& path, const std::stop_token& stop) {
  std::string text = base::readTextFile(path, kMaxFileBytes, stop);
  for (size_t at = 0; at < text.size();) {
    const size_t length = text[at] == '\0' ? 0 : base::characterBytes(text, at);
    if (length == 0)
      throw base::Error(base::ErrorCode::Corrupt, path.string() + ": expected UTF-8 text, found byte " +
                                                      std::to_string(static_cast<uint8_t>(text[at])) +
                                                      " at offset " + std::to_string(at));
    at += length;
  }
  return text;
}

bool isPromptFile(const std::filesystem::path& path) {
  return path.extension() == ".json" || path.extension() == ".jsonl";
}

std::vector<Prompt> readPrompts(const std::filesystem::path& path, const std::stop_token& stop) {
  if (path.extension() == ".jsonl")
    return readJsonLines(path, stop);
  std::vector<Prompt> prompts;
  base::forEachJsonEntry(
      base::readTextFile(path, kMaxFileBytes, stop), path.string(), base::Json::value_t::array,
      "an array of {\"prompt\": ...} or {\"messages\": ...}",
      [&](const std::string&, const base::Json& entry) {
        addPrompt(entry, path, "entry " + std::to_string(prompts.size()), prompts);
      },
      stop);
  return prompts;
}

} // namespace nibblesmith::calibration
