// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/chat_template.hpp"

#include "base/file.hpp"
#include "tokenizer/limits.hpp"

#include <algorithm>

namespace nibblesmith::tokenizer {

/// Kind of template, with the parts its Jinja text must and must not contain. The latter exclude related
/// formats.
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
  return begin == std::string::npos ? std::string()
                                    : text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

/// Replaces "\\n" in a literal by a line break; other escapes do not occur in the literals read here.
std::string unescaped(std::string_view literal) {
  std::string text;
  for (size_t at = 0; at < literal.size();) {
    const size_t escape = std::min(literal.find("\\n", at), literal.size());
    text += literal.substr(at, escape - at);
    text += escape < literal.size() ? "\n" : "";
    at = escape + 2;
  }
  return text;
}

/// Returns the first non-empty text between `begin` and `end` within one literal of the template.
std::string literalBetween(std::string_view jinja, std::string_view begin, std::string_view end) {
  size_t at = jinja.find(begin);
  while (at != std::string_view::npos) {
    const size_t from = at + begin.size();
    const size_t quote = jinja.find_first_of("'\"", from);
    const size_t to = jinja.substr(0, quote).find(end, from);
    if (to != std::string_view::npos) {
      const std::string literal = unescaped(jinja.substr(from, to - from));
      const size_t text = literal.starts_with('\n') ? 1 : 0;
      if (literal.size() > text)
        return literal.substr(text);
    }
    // No later `begin` before the quote is followed by `end` either.
    at = jinja.find(begin, std::min(to, quote));
  }
  return {};
}

std::string tokenText(const Vocabulary& vocabulary, TokenId id) {
  return id >= 0 && static_cast<size_t>(id) < vocabulary.tokens.size()
             ? vocabulary.tokens[static_cast<size_t>(id)]
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
  // Reasoning models and Phi-4 use ChatML's markers differently.
  static const std::vector<Kind> kKinds = {
      {"Qwen3",
       Format::Qwen3,
       {"<|im_start|>", "<|im_end|>", "</think>", "reasoning_content", "enable_thinking", "last_query_index"},
       {}},
      {"ChatML",
       Format::ChatMl,
       {"<|im_start|>", "<|im_end|>"},
       {"<|im_sep|>", "<think>", "reasoning_content"}},
      {"Llama 3",
       Format::Llama3,
       {"<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"},
       {"<think>", "access to functions", "calling functions"}},
      {"Gemma", Format::Gemma, {"<start_of_turn>", "<end_of_turn>"}, {}},
      {"Phi-3", Format::Phi3, {"<|user|>", "<|assistant|>", "<|end|>"}, {"<think>"}},
      {"Zephyr",
       Format::Zephyr,
       {"<|user|>\\n", "<|assistant|>", "eos_token"},
       {"<|end|>", "[gMASK]", "<think>"}},
      {"Zephyr",
       Format::Zephyr,
       {"<|user|>\n", "<|assistant|>", "eos_token"},
       {"<|end|>", "[gMASK]", "<think>"}},
      {"Llama 2", Format::Llama2, {"[INST] ", " [/INST]", "<<SYS>>", ".strip()"}, {}},
      {"Mistral",
       Format::Mistral,
       {"[INST]", "[/INST]", "eos_token", "must alternate"},
       {"<<SYS>>", "[SYSTEM_PROMPT]", "[THINK]"}},
  };
  return kKinds;
}

ChatTemplate::ChatTemplate(const std::string& jinja, const Vocabulary& vocabulary, const std::string& origin)
    : m_bos(tokenText(vocabulary, vocabulary.bos)), m_eos(tokenText(vocabulary, vocabulary.eos)) {
  const std::string where = origin + ": chat template";
  base::checkLimit(jinja.size(), limits::kChatTemplateBytes, "bytes", where);
  const auto all = kinds();
  const auto kind = std::find_if(all.begin(), all.end(), [&](const Kind& candidate) {
    const auto inside = [&](const char* part) { return holds(jinja, part); };
    return std::all_of(candidate.holds.begin(), candidate.holds.end(), inside) &&
           std::none_of(candidate.lacks.begin(), candidate.lacks.end(), inside);
  });
  if (kind == all.end())
    throw base::Error(base::ErrorCode::NotSupported,
                      where +
                          ": expected ChatML, Qwen3, Llama 2, Llama 3, Mistral, Zephyr, Phi-3 or "
                          "Gemma, found one that begins \"" +
                          trimmed(jinja).substr(0, 60) + "\"");
  m_name = kind->name;
  m_format = kind->format;
  readVariant(jinja);
  base::checkLimit(m_defaultSystem.size(), limits::kSystemMessageBytes, "bytes",
                   where + ": default system message");
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
    // Use the template's fixed date: with the current date, runs would not be reproducible.
    if (holds(jinja, "Cutting Knowledge Date"))
      m_datedSystem = "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n";
    return;
  case Format::Gemma:
    m_systemInUserTurn = holds(jinja, "first_user_prefix");
    m_hasSystem = m_systemInUserTurn;
    return;
  case Format::Phi3:
    m_userTurnOpensAnswer = !holds(jinja, "add_generation_prompt");
    m_hasSystem = holds(jinja, "<|system|>");
    return;
  case Format::Mistral:
    readMistral(jinja);
    return;
  case Format::Qwen3:
  case Format::Zephyr:
  case Format::Llama2:
    return;
  }
}

/// Reads the white space around the markers, in which the versions differ.
void ChatTemplate::readMistral(const std::string& jinja) {
  const auto hasLiteral = [&](const std::string& text) {
    return holds(jinja, "'" + text + "'") || holds(jinja, "\"" + text + "\"");
  };
  m_open = hasLiteral(" [INST] ") ? " [INST] " : hasLiteral("[INST] ") ? "[INST] " : "[INST]";
  m_close = hasLiteral(" [/INST]") ? " [/INST]" : "[/INST]";
  const bool blankBefore = holds(jinja, "' ' + message") || holds(jinja, "\" \" + message");
  m_answerBegin = blankBefore ? " " : "";
  m_answerEnd = m_eos + (holds(jinja, "eos_token + ' '") || holds(jinja, "eos_token + \" \"") ? " " : "");
  m_hasSystem = holds(jinja, "system_message");
  m_systemInUserTurn = m_hasSystem;
  m_systemGoesLast = m_hasSystem && holds(jinja, "loop.last and system_message");
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

std::string ChatTemplate::mistralTurn(const ChatMessage& message, const std::string& prefix) const {
  // Trimming applies only to the assistant's contents here.
  if (message.role == "user")
    return m_open + prefix + message.content + m_close;
  return m_answerBegin + (m_trims ? trimmed(message.content) : message.content) + m_answerEnd;
}

/// Keeps reasoning only in answers after the last user query. The last message gets an empty <think> block if
/// it has none.
std::string ChatTemplate::qwen3Turn(const ChatMessage& message, bool isLast, bool isAfterQuery) const {
  const std::string begin = "<|im_start|>" + message.role + "\n";
  const std::string end = "<|im_end|>\n";
  if (message.role != "assistant")
    return begin + message.content + end;
  const auto withoutBreaks = [](const std::string& text, bool left, bool right) {
    const size_t first = left ? std::min(text.find_first_not_of('\n'), text.size()) : 0;
    const size_t last = right ? text.find_last_not_of('\n') + 1 : text.size();
    return text.substr(first, std::max(first, last) - first);
  };
  constexpr std::string_view kOpen = "<think>";
  constexpr std::string_view kClose = "</think>";
  std::string content = message.content;
  std::string thoughts;
  if (const size_t close = content.find(kClose); close != std::string::npos) {
    thoughts = withoutBreaks(content.substr(0, close), false, true);
    if (const size_t open = thoughts.rfind(kOpen); open != std::string::npos)
      thoughts.erase(0, open + kOpen.size());
    content = withoutBreaks(content.substr(content.rfind(kClose) + kClose.size()), true, false);
  }
  if (!isAfterQuery || (!isLast && thoughts.empty()))
    return begin + content + end;
  return begin + "<think>\n" + withoutBreaks(thoughts, true, true) + "\n</think>\n\n" +
         withoutBreaks(content, true, false) + end;
}

std::string ChatTemplate::turn(const ChatMessage& message, const std::string& prefix) const {
  const bool isUser = message.role == "user";
  // Llama 2 strips prefix and content together, Gemma 3 only the content.
  const bool together = m_format == Format::Llama2;
  const std::string whole = together ? prefix + message.content : message.content;
  const std::string content = (together ? std::string() : prefix) + (m_trims ? trimmed(whole) : whole);
  switch (m_format) {
  case Format::Mistral:
    return mistralTurn(message, prefix);
  case Format::Qwen3:
  case Format::ChatMl:
    return "<|im_start|>" + message.role + "\n" + content + "<|im_end|>\n";
  case Format::Llama3:
    return "<|start_header_id|>" + message.role + "<|end_header_id|>\n\n" + content + "<|eot_id|>";
  case Format::Gemma:
    return "<start_of_turn>" + (isUser ? message.role : "model") + "\n" + content + "<end_of_turn>\n";
  case Format::Phi3:
    if (m_userTurnOpensAnswer)
      return isUser ? "<|user|>\n" + content + "<|end|>\n<|assistant|>\n" : content + "<|end|>\n";
    return "<|" + message.role + "|>\n" + content + "<|end|>\n";
  case Format::Zephyr:
    return "<|" + message.role + "|>\n" + content + m_eos + "\n";
  case Format::Llama2:
    return isUser ? m_bos + "[INST] " + content + " [/INST]" : " " + content + " " + m_eos;
  }
  return {};
}

std::string ChatTemplate::generationPrompt(bool enableThinking) const {
  switch (m_format) {
  case Format::Qwen3:
    return std::string("<|im_start|>assistant\n") + (enableThinking ? "" : "<think>\n\n</think>\n\n");
  case Format::ChatMl:
    return "<|im_start|>assistant\n";
  case Format::Llama3:
    return "<|start_header_id|>assistant<|end_header_id|>\n\n";
  case Format::Gemma:
    return "<start_of_turn>model\n";
  case Format::Phi3:
    return m_userTurnOpensAnswer ? "" : "<|assistant|>\n";
  case Format::Zephyr:
    return "<|assistant|>\n";
  case Format::Mistral:
  case Format::Llama2:
    return {};
  }
  return {};
}

std::string ChatTemplate::render(std::span<const ChatMessage> messages, bool addGenerationPrompt,
                                 bool enableThinking) const {
  if (messages.empty())
    refuse("expected at least one message, found none");
  std::string text = m_writesBos && m_format != Format::Llama2 ? m_bos : std::string();
  std::string prefix; // system message that is merged into the first user turn
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
  // index of the turn that starts with the system message
  const size_t prefixed = m_systemGoesLast ? messages.size() - 1 : 0;
  size_t lastQuery = 0;
  for (size_t i = 0; i < messages.size(); ++i)
    if (messages[i].role == "user")
      lastQuery = i;
  for (size_t i = 0; i < messages.size(); ++i) {
    const ChatMessage& message = messages[i];
    if (m_alternates && message.role != (i % 2 == 0 ? "user" : "assistant"))
      refuse(m_name + ": expected user and assistant in turn, found \"" + message.role + "\" as message " +
             std::to_string(i + 1));
    text += m_format == Format::Qwen3 ? qwen3Turn(message, i + 1 == messages.size(), i > lastQuery)
                                      : turn(message, i == prefixed ? prefix : std::string());
  }
  if (addGenerationPrompt)
    return text + generationPrompt(enableThinking);
  return m_format == Format::Phi3 && !m_userTurnOpensAnswer ? text + m_eos : text;
}

namespace {

/// Returns the ChatML template of Qwen's first models, whose files select it with "chat_format": "chatml".
std::optional<std::string> templateOfQwen(const checkpoint::Checkpoint& checkpoint) {
  const auto path = checkpoint.path / "generation_config.json";
  if (!checkpoint.config.is_object() || checkpoint.config.value("model_type", base::Json()) != "qwen" ||
      !base::fileExists(path))
    return std::nullopt;
  const base::Json json = base::readJsonFile(path);
  if (!json.is_object() || json.value("chat_format", base::Json()) != "chatml")
    return std::nullopt;
  return "{% for m in messages %}{% if loop.first and m.role != 'system' %}{{ '<|im_start|>system\nYou are a "
         "helpful "
         "assistant.<|im_end|>\n' }}{% endif %}{{ '<|im_start|>' + m.role + '\n' + m.content + "
         "'<|im_end|>\n' }}{% endfor %}"
         "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
}

} // namespace

std::optional<std::string> readChatTemplate(const checkpoint::Checkpoint& checkpoint) {
  if (checkpoint.format == checkpoint::Format::Gguf) {
    const std::string text = base::optional<std::string>(checkpoint.config, "tokenizer.chat_template", "",
                                                         checkpoint.path.string());
    return text.empty() ? std::nullopt : std::optional(text);
  }
  // The template's text is copied into GGUF files, so it must not come from a file outside the directory.
  constexpr const char* kTemplate = "chat_template.jinja";
  if (base::fileExists(checkpoint.path / kTemplate))
    return base::openWithin(checkpoint.path, kTemplate).text(uint64_t{1} << 20);
  const auto path = checkpoint.path / "tokenizer_config.json";
  if (!base::fileExists(path))
    return templateOfQwen(checkpoint);
  const base::Json json = base::readJsonFile(path);
  if (!json.is_object())
    throw base::Error(base::ErrorCode::Corrupt,
                      path.string() + ": expected a JSON object, found " + json.type_name());
  auto text = templateOf(json, path.string());
  return text ? text : templateOfQwen(checkpoint);
}

std::string chatMarkersIn(std::string_view text) {
  struct Marker {
    const char* marker;
    const char* name;
  };
  // "<|end|>" distinguishes Phi-3 from Zephyr, so it comes first.
  constexpr Marker kMarkers[] = {{"<|im_start|>", "ChatML"},   {"<|start_header_id|>", "Llama 3"},
                                 {"<start_of_turn>", "Gemma"}, {"<|end|>", "Phi-3"},
                                 {"<|user|>", "Zephyr"},       {"<|assistant|>", "Zephyr"},
                                 {"[INST]", "Llama 2"},        {"### Instruction:", "Alpaca"}};
  for (const Marker& marker : kMarkers)
    if (holds(text, marker.marker))
      return marker.name;
  return {};
}

} // namespace nibblesmith::tokenizer
