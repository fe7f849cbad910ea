// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/tokenizer.hpp"

namespace nibblesmith::test {

/// Tokenizer with one id per byte; 1 is BOS and 2 is EOS: "<s>" and "</s>" if special tokens are read.
class ByteTokenizer final : public tokenizer::Tokenizer {
public:
  using TokenId = tokenizer::TokenId;

  explicit ByteTokenizer(bool addBos = true) {
    m_vocabulary.tokens.resize(256);
    m_vocabulary.tokens[1] = "<s>";
    m_vocabulary.tokens[2] = "</s>";
    m_vocabulary.bos = 1;
    m_vocabulary.eos = 2;
    m_vocabulary.addBos = addBos;
  }
  std::vector<TokenId> encode(std::string_view text, bool addSpecial, bool parseSpecial,
                              const std::stop_token& stop) const override {
    base::throwIfStopped(stop);
    std::vector<TokenId> ids;
    if (addSpecial && m_vocabulary.addBos)
      ids.push_back(1);
    while (!text.empty()) {
      const bool isBos = parseSpecial && text.starts_with("<s>");
      const bool isEos = parseSpecial && text.starts_with("</s>");
      ids.push_back(isBos ? 1 : isEos ? 2 : static_cast<uint8_t>(text.front()));
      text.remove_prefix(isBos ? 3 : isEos ? 4 : 1);
    }
    return ids;
  }
  std::string tokenBytes(TokenId id) const override { return std::string(1, static_cast<char>(id)); }
  std::string decode(std::span<const TokenId> ids, bool) const override {
    std::string text;
    for (const TokenId id : ids)
      if (id > 2)
        text += static_cast<char>(id);
    return text;
  }
  const tokenizer::Vocabulary& vocabulary() const override { return m_vocabulary; }

private:
  tokenizer::Vocabulary m_vocabulary;
};

} // namespace nibblesmith::test
