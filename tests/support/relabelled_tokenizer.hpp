// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/tokenizer.hpp"

#include <functional>

namespace nibblesmith::test {

/// Tokenizer that reports a changed vocabulary but encodes and decodes like the original.
class Relabelled final : public tokenizer::Tokenizer {
public:
  Relabelled(std::shared_ptr<const Tokenizer> tokenizer,
             const std::function<void(tokenizer::Vocabulary&)>& change)
      : m_tokenizer(std::move(tokenizer)), m_vocabulary(m_tokenizer->vocabulary()) {
    change(m_vocabulary);
  }
  std::vector<tokenizer::TokenId> encode(std::string_view text, bool addSpecial, bool parseSpecial,
                                         const std::stop_token& stop) const override {
    return m_tokenizer->encode(text, addSpecial, parseSpecial, stop);
  }
  std::string tokenBytes(tokenizer::TokenId id) const override { return m_tokenizer->tokenBytes(id); }
  std::string decode(std::span<const tokenizer::TokenId> ids, bool skipSpecial) const override {
    return m_tokenizer->decode(ids, skipSpecial);
  }
  const tokenizer::Vocabulary& vocabulary() const override { return m_vocabulary; }

private:
  std::shared_ptr<const Tokenizer> m_tokenizer;
  tokenizer::Vocabulary m_vocabulary;
};

} // namespace nibblesmith::test
