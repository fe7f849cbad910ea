// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/chat_template.hpp"

#include "base/file.hpp"

#include <algorithm>

namespace nibblesmith::tokenizer {

/// A kind of template: what its Jinja text must and must not hold, so that no relative of it is taken for it.
struct ChatTemplate::Kind {
  const char* name;
  Format format;
  std::vector<const char*> holds;
  std::vector<const char*> lacks;
};

namespace {

[[noreturn]] void refuse(const std::string& message) {
  throw base::Error(base::ErrorCode::InvalidArgument, "chat template: " + message);
}

bool holds(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

std::string trimmed(const std::string& text) {
  constexpr const char* kBlanks = " \t\n\r\f\v";
  const size_t begin = text.find_first_not_of(kBlanks);
  return begin == std::string::npos ? std::string() : text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

/// A literal's "\n" is a line break; other escapes do not occur in what is read here.
std::string unescaped(std::string text) {
  for (size_t at = text.find("\\n"); at != std::string::npos; at = text.find("\\n", at + 1))
    text.replace(at, 2, "\n");
  return text;
}

/// What a literal of the template says between `begin` and `end`, where no quote ends it before.
std::string literalBetween(const std::string& jinja, const std::string& begin, const std::string& end) {
  for (size_t at = jinja.find(begin); at != std::string::npos; at = jinja.find(begin, at + 1)) {
    const size_t from = at + begin.size();
    const size_t to = jinja.find(end, from);
    if (to == std::string::npos)
      break;
    const std::string literal = unescaped(jinja.substr(from, to - from));
    const size_t text = literal.starts_with('\n') ? 1 : 0;
    if (literal.find_first_of("'\"") == std::string::npos && literal.size() > text)
      return literal.substr(text);
  }
  return {};
}

std::string tokenText(const Vocabulary& vocabulary, TokenId id) {
  return id >= 0 && static_cast<size_t>(id) < vocabulary.tokens.size() ? vocabulary.tokens[static_cast<size_t>(id)]
                                                                       : std::string();
}

std::optional<std::string> templateOf(const base::Json& json, const std::string& origin) {
  const auto entry = json.find("chat_template");
  if (entry == json.end() || entry->is_null())
    return std::nullopt;
  if (entry->is_string())
    return entry->get<std::string>();
  if (entry->is_array())
    for (const base::Json& named : *entry)
      if (named.is_object() && named.value("name", base::Json()) == "default")
        return base::required<std::string>(named, "template", origin + ": 'chat_template'");
  base::throwJsonType(json, "chat_template", "a text, or a list with one named \"default\"", origin);
}

} // namespace

std::span<const ChatTemplate::Kind> ChatTemplate::kinds() {
  // Models that think aloud and those of Phi-4 use ChatML's markers in ways of their own.
  static const std::vector<Kind> kKinds = {
      {"ChatML", Format::ChatMl, {"<|im_start|>", "<|im_end|>"}, {"<|im_sep|>", "<think>", "reasoning_content"}},
      {"Llama 3", Format::Llama3, {"<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"}, {"<think>", "functions."}},
      {"Gemma", Format::Gemma, {"<start_of_turn>", "<end_of_turn>"}, {}},
      {"Phi-3", Format::Phi3, {"<|user|>", "<|assistant|>", "<|end|>"}, {"<think>"}},
      {"Zephyr", Format::Zephyr, {"<|user|>\\n", "<|assistant|>", "eos_token"}, {"<|end|>", "[gMASK]", "<think>"}},
      {"Zephyr", Format::Zephyr, {"<|user|>\n", "<|assistant|>", "eos_token"}, {"<|end|>", "[gMASK]", "<think>"}},
      {"Llama 2", Format::Llama2, {"[INST] ", " [/INST]", "<<SYS>>", ".strip()"}, {}},
  };
  return kKinds;
}

ChatTemplate::ChatTemplate(const std::string& jinja, const Vocabulary& vocabulary, const std::string& origin)
    : m_bos(tokenText(vocabulary, vocabulary.bos)), m_eos(tokenText(vocabulary, vocabulary.eos)) {
  const auto all = kinds();
  const auto kind = std::find_if(all.begin(), all.end(), [&](const Kind& candidate) {
    const auto inside = [&](const char* part) { return holds(jinja, part); };
    return std::all_of(candidate.holds.begin(), candidate.holds.end(), inside) &&
           std::none_of(candidate.lacks.begin(), candidate.lacks.end(), inside);
  });
  if (kind == all.end())
    throw base::Error(base::ErrorCode::NotSupported,
                      origin + ": chat template: expected ChatML, Llama 2, Llama 3, Zephyr, Phi-3 or Gemma, found one "
                               "that begins \"" +
                          trimmed(jinja).substr(0, 60) + "\"");
  m_name = kind->name;
  m_format = kind->format;
  readVariant(jinja);
}

void ChatTemplate::readVariant(const std::string& jinja) {
  m_writesBos = holds(jinja, "bos_token");
  m_trims = holds(jinja, "trim") || holds(jinja, ".strip()");
  m_alternates = holds(jinja, "must alternate");
  switch (m_format) {
  case Format::ChatMl:
    m_defaultSystem = literalBetween(jinja, "<|im_start|>system", "<|im_end|>");
    return;
  case Format::Llama3:
    // The day of the rendering would make every run another one: the templates' own fixed date it is.
    if (holds(jinja, "Cutting Knowledge Date"))
      m_datedSystem = "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n";
    return;
  case Format::Gemma:
    m_systemInUserTurn = holds(jinja, "first_user_prefix");
    m_hasSystem = m_systemInUserTurn;
    return;
  case Format::Phi3:
    m_answersAtOnce = !holds(jinja, "add_generation_prompt");
    m_hasSystem = holds(jinja, "<|system|>");
    return;
  case Format::Zephyr:
  case Format::Llama2:
    return;
  }
}

std::string ChatTemplate::systemHeader(std::span<const ChatMessage>& messages) const {
  const bool hasSystem = messages.front().role == "system";
  if (m_format == Format::ChatMl && !hasSystem && !m_defaultSystem.empty())
    return turn({"system", m_defaultSystem}, {});
  if (m_datedSystem.empty())
    return {};
  const std::string content = hasSystem ? trimmed(messages.front().content) : std::string();
  if (hasSystem)
    messages = messages.subspan(1);
  return "<|start_header_id|>system<|end_header_id|>\n\n" + m_datedSystem + content + "<|eot_id|>";
}

std::string ChatTemplate::turn(const ChatMessage& message, const std::string& prefix) const {
  const bool isUser = message.role == "user";
  // Llama 2 cuts the blanks around prefix and content together, Gemma 3 those around the content.
  const bool together = m_format == Format::Llama2;
  const std::string whole = together ? prefix + message.content : message.content;
  const std::string content = (together ? std::string() : prefix) + (m_trims ? trimmed(whole) : whole);
  switch (m_format) {
  case Format::ChatMl:
    return "<|im_start|>" + message.role + "\n" + content + "<|im_end|>\n";
  case Format::Llama3:
    return "<|start_header_id|>" + message.role + "<|end_header_id|>\n\n" + content + "<|eot_id|>";
  case Format::Gemma:
    return "<start_of_turn>" + (isUser ? message.role : "model") + "\n" + content + "<end_of_turn>\n";
  case Format::Phi3:
    if (m_answersAtOnce)
      return isUser ? "<|user|>\n" + content + "<|end|>\n<|assistant|>\n" : content + "<|end|>\n";
    return "<|" + message.role + "|>\n" + content + "<|end|>\n";
  case Format::Zephyr:
    return "<|" + message.role + "|>\n" + content + m_eos + "\n";
  case Format::Llama2:
    return isUser ? m_bos + "[INST] " + content + " [/INST]" : " " + content + " " + m_eos;
  }
  return {};
}

std::string ChatTemplate::generationPrompt() const {
  switch (m_format) {
  case Format::ChatMl:
    return "<|im_start|>assistant\n";
  case Format::Llama3:
    return "<|start_header_id|>assistant<|end_header_id|>\n\n";
  case Format::Gemma:
    return "<start_of_turn>model\n";
  case Format::Phi3:
    return m_answersAtOnce ? "" : "<|assistant|>\n";
  case Format::Zephyr:
    return "<|assistant|>\n";
  case Format::Llama2:
    return {};
  }
  return {};
}

std::string ChatTemplate::render(std::span<const ChatMessage> messages, bool addGenerationPrompt) const {
  if (messages.empty())
    refuse("expected at least one message, found none");
  std::string text = m_writesBos && m_format != Format::Llama2 ? m_bos : std::string();
  std::string prefix; // a system message that goes into the first user's turn
  if (messages.front().role == "system" && !m_hasSystem)
    refuse(m_name + " of this model has no system message, found one");
  if (messages.front().role == "system" && (m_format == Format::Llama2 || m_systemInUserTurn)) {
    const std::string& system = messages.front().content;
    prefix = m_format == Format::Llama2 ? "<<SYS>>\n" + system + "\n<</SYS>>\n\n" : system + "\n\n";
    messages = messages.subspan(1);
    if (messages.empty())
      refuse(m_name + ": expected a user's message after the system message, found none");
  }
  text += systemHeader(messages);
  for (size_t i = 0; i < messages.size(); ++i) {
    const ChatMessage& message = messages[i];
    if (m_alternates && message.role != (i % 2 == 0 ? "user" : "assistant"))
      refuse(m_name + ": expected user and assistant in turn, found \"" + message.role + "\" as message " +
             std::to_string(i + 1));
    text += turn(message, i == 0 ? prefix : std::string());
  }
  if (addGenerationPrompt)
    return text + generationPrompt();
  return m_format == Format::Phi3 && !m_answersAtOnce ? text + m_eos : text;
}

std::optional<std::string> readChatTemplate(const checkpoint::Checkpoint& checkpoint) {
  if (checkpoint.format == checkpoint::Format::Gguf) {
    const std::string text =
        base::optional<std::string>(checkpoint.config, "tokenizer.chat_template", "", checkpoint.path.string());
    return text.empty() ? std::nullopt : std::optional(text);
  }
  std::error_code ignored;
  if (const auto path = checkpoint.path / "chat_template.jinja"; std::filesystem::is_regular_file(path, ignored))
    return base::readTextFile(path, uint64_t{1} << 20);
  const auto path = checkpoint.path / "tokenizer_config.json";
  if (!std::filesystem::is_regular_file(path, ignored))
    return std::nullopt;
  const base::Json json = base::readJsonFile(path);
  if (!json.is_object())
    throw base::Error(base::ErrorCode::Corrupt, path.string() + ": expected a JSON object, found " + json.type_name());
  return templateOf(json, path.string());
}

std::string chatMarkersIn(std::string_view text) {
  struct Marker {
    const char* marker;
    const char* name;
  };
  // "<|end|>" tells Phi-3 from Zephyr, so it comes first.
  constexpr Marker kMarkers[] = {{"<|im_start|>", "ChatML"},         {"<|start_header_id|>", "Llama 3"},
                                 {"<start_of_turn>", "Gemma"},       {"<|end|>", "Phi-3"},
                                 {"<|user|>", "Zephyr"},             {"<|assistant|>", "Zephyr"},
                                 {"[INST]", "Llama 2"},              {"### Instruction:", "Alpaca"}};
  for (const Marker& marker : kMarkers)
    if (holds(text, marker.marker))
      return marker.name;
  return {};
}

} // namespace nibblesmith::tokenizer
