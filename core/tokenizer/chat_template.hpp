// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/tokenizer.hpp"

#include <optional>

namespace nibblesmith::tokenizer {

struct ChatMessage {
  std::string role; ///< "system", "user" or "assistant"
  std::string content;
};

/// A model's way to write a chat as text, recognized from the Jinja template that lies beside it. Renders
/// what transformers' apply_chat_template gives for the same template. Immutable, any thread.
class ChatTemplate {
public:
  /// Throws base::Error{NotSupported} naming `origin` and what the text begins with where it is none of
  /// ChatML, Qwen3, Llama 2, Llama 3, Mistral, Zephyr, Phi-3 and Gemma, and above the limits of limits.hpp.
  ChatTemplate(const std::string& jinja, const Vocabulary& vocabulary, const std::string& origin);

  /// "ChatML", "Llama 2", ...
  const std::string& name() const { return m_name; }
  /// The whole text with BOS and other special tokens written out: to be encoded with parseSpecial and
  /// without addSpecial. addGenerationPrompt: what the assistant's answer begins after; without `thinks`, a
  /// model that can think aloud before it answers is asked not to (Qwen3's enable_thinking). Throws
  /// base::Error{InvalidArgument} where the template has no such role or wants user and assistant in turn.
  std::string render(std::span<const ChatMessage> messages, bool addGenerationPrompt,
                     bool thinks = true) const;

private:
  enum class Format { ChatMl, Qwen3, Llama2, Llama3, Mistral, Zephyr, Phi3, Gemma };
  struct Kind;
  static std::span<const Kind> kinds();
  void readVariant(const std::string& jinja);
  void readMistral(const std::string& jinja);
  std::string turn(const ChatMessage& message, const std::string& prefix) const;
  std::string mistralTurn(const ChatMessage& message, const std::string& prefix) const;
  std::string qwen3Turn(const ChatMessage& message, bool isLast, bool isAfterQuery) const;
  std::string generationPrompt(bool thinks) const;
  std::string systemHeader(std::span<const ChatMessage>& messages) const;

  std::string m_name;
  Format m_format = Format::ChatMl;
  std::string m_bos, m_eos;
  bool m_writesBos = false;        ///< in front of the text; Llama 2: in front of each user's turn
  bool m_trims = false;            ///< blanks around contents are cut
  bool m_systemInUserTurn = false; ///< Gemma 3: the system message begins the first user's turn
  bool m_answersAtOnce = false;    ///< Phi-3's first template: a user's turn ends with the assistant's header
  bool m_alternates = false;
  bool m_hasSystem = true;
  std::string m_defaultSystem;            ///< ChatML: what stands there where a chat has no system message
  std::string m_open, m_close;            ///< Mistral: around a user's content
  std::string m_answerBegin, m_answerEnd; ///< Mistral: around an assistant's
  bool m_systemGoesLast = false; ///< Mistral: the system message begins the last turn, if that is a user's
  std::string m_datedSystem;     ///< Llama 3.1: what the system message begins with, dates included
};

/// The Jinja text beside a model: tokenizer_config.json's "chat_template" (the one named "default" where
/// there are several), chat_template.jinja, or "tokenizer.chat_template" of a GGUF file. For Qwen's first
/// models, whose own code writes ChatML where generation_config.json says so, a text that is recognized as
/// that. Throws base::Error{Corrupt}.
std::optional<std::string> readChatTemplate(const checkpoint::Checkpoint& checkpoint);

/// The kind of template whose markers are written out in a text ("ChatML" for "<|im_start|>", "Alpaca" for
/// "### Instruction:"); empty where there are none.
std::string chatMarkersIn(std::string_view text);

} // namespace nibblesmith::tokenizer
