// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/sentencepiece_tokenizer.hpp"

#include "base/file.hpp"
#include "tokenizer/added_tokens.hpp"
#include "tokenizer/pieces.hpp"
#include "tokenizer/sentencepiece_model.hpp"
#include "tokenizer/special_tokens.hpp"

#include <unordered_map>

#include <sentencepiece_processor.h>

namespace nibblesmith::tokenizer {

namespace {

using base::Error;
using base::ErrorCode;

class SentencepieceTokenizer final : public Tokenizer {
public:
  SentencepieceTokenizer(std::span<const std::byte> file, const std::string& origin, Vocabulary vocabulary,
                         AddedTokens added)
      : m_vocabulary(std::move(vocabulary)), m_added(std::move(added)), m_origin(origin),
        m_cutsAtBlanks(m_vocabulary.model == "llama" && m_vocabulary.addSpacePrefix &&
                       blanksOnlyBegin(m_vocabulary)) {
    try {
      check(m_processor.LoadFromSerializedProto({reinterpret_cast<const char*>(file.data()), file.size()}));
    } catch (const Error&) {
      throw;
    } catch (const std::exception& failure) { // its tree of pieces throws where those do not fit together
      throw Error(ErrorCode::Corrupt, m_origin + ": sentencepiece: " + failure.what());
    }
  }

  std::vector<TokenId> encode(std::string_view text, bool addSpecial, bool parseSpecial) const override {
    std::vector<TokenId> ids;
    if (addSpecial && m_vocabulary.addBos)
      ids.push_back(m_vocabulary.bos);
    m_added.split(
        text, parseSpecial, [&](std::string_view stretch) { encodeText(stretch, ids); },
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
  // The library looks at a whole text at once, at a few hundred kilobytes a second. A blank between two ASCII
  // letters or signs becomes the same symbol as the prefix it puts before a text: where no token has that
  // symbol but at its beginning, the words between such blanks can be encoded on their own, each but once.
  void encodeText(std::string_view text, std::vector<TokenId>& ids) const {
    std::unordered_map<std::string_view, std::vector<int>> words;
    size_t begin = 0;
    for (size_t at = 1; at <= text.size(); ++at) {
      const bool isCut = m_cutsAtBlanks && at + 1 < text.size() && text[at] == ' ' &&
                         isGraphic(text[at - 1]) && isGraphic(text[at + 1]);
      if (!isCut && at < text.size())
        continue;
      const std::string_view word = text.substr(begin, at - begin);
      const auto [entry, isNew] = words.try_emplace(word);
      if (isNew)
        check(m_processor.Encode({word.data(), word.size()}, &entry->second));
      ids.insert(ids.end(), entry->second.begin(), entry->second.end());
      begin = at + 1;
    }
  }
  static bool isGraphic(char byte) { return byte > ' ' && byte < 127; }

  void check(const sentencepiece::util::Status& status) const {
    if (!status.ok())
      throw Error(ErrorCode::Corrupt, m_origin + ": sentencepiece: " + status.ToString());
  }

  Vocabulary m_vocabulary;
  AddedTokens m_added;
  std::string m_origin;
  bool m_cutsAtBlanks;
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
      throw Error(ErrorCode::Corrupt, origin + ": added token '" + token.content.substr(0, 80) +
                                          "' has the id " + std::to_string(id) + ", expected " +
                                          std::to_string(size));
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
