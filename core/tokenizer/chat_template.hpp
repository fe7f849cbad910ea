// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/tokenizer.hpp"

#include <optional>

namespace nibblesmith::tokenizer {

struct ChatMessage {
  std::string role; ///< "system", "user" or "assistant"
  std::string content;
};

/// A model's chat format, recognized from its Jinja template. Renders the same text as transformers'
/// apply_chat_template. Immutable; safe for concurrent use.
class ChatTemplate {
public:
  /// Recognizes the template. Throws base::Error{NotSupported} naming `origin` and the beginning of the
  /// template if it is none of ChatML, Qwen3, Llama 2, Llama 3, Mistral, Zephyr, Phi-3 and Gemma, or exceeds
  /// the limits in limits.hpp.
  ChatTemplate(const std::string& jinja, const Vocabulary& vocabulary, const std::string& origin);

  /// Returns the format's name: "ChatML", "Llama 2", ...
  const std::string& name() const { return m_name; }
  /// Returns the whole text, including BOS and other special tokens. Encode it with parseSpecial and without
  /// addSpecial. addGenerationPrompt: appends the header of the assistant's answer. enableThinking: false
  /// disables the reasoning of models that support it (Qwen3's enable_thinking). Throws
  /// base::Error{InvalidArgument} if the template has no such role or requires alternating user and assistant
  /// messages.
  std::string render(std::span<const ChatMessage> messages, bool addGenerationPrompt,
                     bool enableThinking = true) const;

private:
  enum class Format { ChatMl, Qwen3, Llama2, Llama3, Mistral, Zephyr, Phi3, Gemma };
  struct Kind;
  static std::span<const Kind> kinds();
  void readVariant(const std::string& jinja);
  void readMistral(const std::string& jinja);
  std::string turn(const ChatMessage& message, const std::string& prefix) const;
  std::string mistralTurn(const ChatMessage& message, const std::string& prefix) const;
  std::string qwen3Turn(const ChatMessage& message, bool isLast, bool isAfterQuery) const;
  std::string generationPrompt(bool enableThinking) const;
  std::string systemHeader(std::span<const ChatMessage>& messages) const;

  std::string m_name;
  Format m_format = Format::ChatMl;
  std::string m_bos, m_eos;
  /// Adds BOS before the text; Llama 2: before each user turn.
  bool m_writesBos = false;
  bool m_trims = false;            ///< strips white space around contents
  bool m_systemInUserTurn = false; ///< Gemma 3: the system message begins the first user's turn
  bool m_userTurnOpensAnswer =
      false; ///< Phi-3's first template: a user turn ends with the assistant's header
  bool m_alternates = false;
  bool m_hasSystem = true;
  std::string m_defaultSystem;            ///< ChatML: system message for chats without one
  std::string m_open, m_close;            ///< Mistral: around user contents
  std::string m_answerBegin, m_answerEnd; ///< Mistral: around assistant contents
  /// Mistral: the system message is put into the last turn, if it is a user turn.
  bool m_systemGoesLast = false;
  std::string m_datedSystem; ///< Llama 3.1: beginning of the system message, including dates
};

/// Returns the model's Jinja template: "chat_template" in tokenizer_config.json (the one named "default" if
/// there are several), chat_template.jinja, or "tokenizer.chat_template" of a GGUF file. Qwen's first models
/// have none and select ChatML in generation_config.json: returns a ChatML template for them. Throws
/// base::Error{Corrupt}.
std::optional<std::string> readChatTemplate(const checkpoint::Checkpoint& checkpoint);

/// Returns the format whose markers occur in a text ("ChatML" for "<|im_start|>", "Alpaca" for "###
/// Instruction:"); empty if there are none.
std::string chatMarkersIn(std::string_view text);

} // namespace nibblesmith::tokenizer
