// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/sentencepiece_tokenizer.hpp"

#include "base/file.hpp"
#include "tokenizer/added_tokens.hpp"
#include "tokenizer/pieces.hpp"
#include "tokenizer/sentencepiece_model.hpp"
#include "tokenizer/special_tokens.hpp"

#include <sentencepiece_processor.h>

namespace nibblesmith::tokenizer {

namespace {

using base::Error;
using base::ErrorCode;

class SentencepieceTokenizer final : public Tokenizer {
public:
  SentencepieceTokenizer(std::span<const std::byte> file, const std::string& origin, Vocabulary vocabulary,
                         AddedTokens added)
      : m_vocabulary(std::move(vocabulary)), m_added(std::move(added)), m_origin(origin) {
    check(m_processor.LoadFromSerializedProto({reinterpret_cast<const char*>(file.data()), file.size()}));
  }

  std::vector<TokenId> encode(std::string_view text, bool addSpecial, bool parseSpecial) const override {
    std::vector<TokenId> ids;
    if (addSpecial && m_vocabulary.addBos)
      ids.push_back(m_vocabulary.bos);
    m_added.split(
        text, parseSpecial,
        [&](std::string_view stretch) {
          std::vector<int> part;
          check(m_processor.Encode({stretch.data(), stretch.size()}, &part));
          ids.insert(ids.end(), part.begin(), part.end());
        },
        [&](TokenId id) { ids.push_back(id); });
    if (addSpecial && m_vocabulary.addEos)
      ids.push_back(m_vocabulary.eos);
    return ids;
  }

  std::string tokenBytes(TokenId id) const override { return tokenizer::tokenBytes(m_vocabulary, id); }
  std::string decode(std::span<const TokenId> ids, bool skipSpecial) const override {
    return tokenizer::decode(m_vocabulary, ids, skipSpecial);
  }
  const Vocabulary& vocabulary() const override { return m_vocabulary; }

private:
  void check(const sentencepiece::util::Status& status) const {
    if (!status.ok())
      throw Error(ErrorCode::Corrupt, m_origin + ": sentencepiece: " + status.ToString());
  }

  Vocabulary m_vocabulary;
  AddedTokens m_added;
  std::string m_origin;
  sentencepiece::SentencePieceProcessor m_processor;
};

// Tokens added after training lie behind the model's pieces; those inside of it only get their type.
void addTokens(const std::vector<AddedToken>& added, const std::string& origin, Vocabulary& vocabulary,
               AddedTokens& finder) {
  std::map<TokenId, AddedToken> byId;
  for (const AddedToken& token : added)
    byId[token.id] = token;
  for (const auto& [id, token] : byId) {
    const auto size = vocabulary.tokens.size();
    const auto at = static_cast<size_t>(id);
    if (at < size) {
      if (vocabulary.tokens[at] != token.content)
        throw Error(ErrorCode::Corrupt, origin + ": added token " + std::to_string(id) + " is '" +
                                            token.content.substr(0, 80) + "', tokenizer.model has '" +
                                            vocabulary.tokens[at].substr(0, 80) + "' there");
      if (vocabulary.types[at] == TokenType::Normal)
        vocabulary.types[at] = token.special ? TokenType::Control : TokenType::UserDefined;
    } else if (at == size) {
      vocabulary.tokens.push_back(token.content);
      vocabulary.scores.push_back(0.0f);
      vocabulary.types.push_back(token.special ? TokenType::Control : TokenType::UserDefined);
    } else {
      throw Error(ErrorCode::Corrupt, origin + ": added token '" + token.content.substr(0, 80) + "' has the id " +
                                          std::to_string(id) + ", expected " + std::to_string(size));
    }
    finder.add(token);
  }
}

} // namespace

std::shared_ptr<const Tokenizer> makeSentencepieceTokenizer(const checkpoint::Checkpoint& checkpoint,
                                                            const std::filesystem::path& path) {
  const base::MappedFile file(path);
  const std::string origin = path.string();
  Vocabulary vocabulary = readSentencepieceVocabulary(file.bytes(), origin);
  const SpecialTokens special = readSpecialTokens(path.parent_path());
  AddedTokens added;
  addTokens(special.added, origin, vocabulary, added);
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id)
    if (vocabulary.types[id] == TokenType::Control) {
      AddedToken control;
      control.id = static_cast<TokenId>(id);
      control.content = vocabulary.tokens[id];
      control.special = true;
      added.add(control);
    }
  applySpecialTokens(special, checkpoint.config, vocabulary);
  vocabulary.addBos = special.addBos.value_or(true) && vocabulary.bos >= 0;
  vocabulary.addEos = special.addEos.value_or(false) && vocabulary.eos >= 0;
  return std::make_shared<const SentencepieceTokenizer>(file.bytes(), origin, std::move(vocabulary),
                                                        std::move(added));
}

} // namespace nibblesmith::tokenizer
