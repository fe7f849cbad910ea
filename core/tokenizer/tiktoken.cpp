// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/tiktoken.hpp"

#include "base/file.hpp"
#include "tokenizer/base64.hpp"
#include "tokenizer/limits.hpp"
#include "tokenizer/pieces.hpp"
#include "tokenizer/pre_types.hpp"
#include "tokenizer/special_tokens.hpp"
#include "tokenizer/vocabulary_builder.hpp"

#include <charconv>

namespace nibblesmith::tokenizer {

namespace {

constexpr int kExtraTokens = 205;
constexpr const char* kEndOfText = "<|endoftext|>";
// Each byte may become a symbol of two bytes in the vocabulary.
constexpr size_t kMaxTokenBytes = limits::kTokenBytes / 2;
constexpr int64_t kMaxRanks = limits::kTokens - kExtraTokens - 3;

std::vector<std::string> readRanks(const std::filesystem::path& path, const std::stop_token& stop) {
  const std::string text = base::readTextFile(path, limits::kModelFileBytes, stop);
  std::vector<std::string> tokens;
  int64_t line = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string_view entry(text.data() + at, end - at);
    at = end + 1;
    ++line;
    if (entry.ends_with('\r'))
      entry.remove_suffix(1);
    if (entry.empty())
      continue;
    const std::string origin = path.string() + ": line " + std::to_string(line);
    const size_t blank = entry.find(' ');
    int64_t rank = -1;
    if (blank != std::string_view::npos)
      std::from_chars(entry.data() + blank + 1, entry.data() + entry.size(), rank);
    if (rank != std::ssize(tokens) || rank >= kMaxRanks)
      throw base::Error(base::ErrorCode::Corrupt, origin + ": expected base64 and the rank " +
                                                      std::to_string(tokens.size()) + ", found '" +
                                                      std::string(entry.substr(0, 80)) + "'");
    tokens.push_back(fromBase64(entry.substr(0, blank), origin));
    if (tokens.back().empty() || tokens.back().size() > kMaxTokenBytes)
      throw base::Error(base::ErrorCode::Corrupt, origin + ": expected a token of 1 to " +
                                                      std::to_string(kMaxTokenBytes) + " bytes, found " +
                                                      std::to_string(tokens.back().size()));
  }
  return tokens;
}

std::string symbolsOf(std::string_view bytes) {
  std::string symbols;
  for (const char byte : bytes)
    symbols += byteSymbols()[static_cast<uint8_t>(byte)];
  return symbols;
}

/// Adds every split of a token as a merge with the token's rank. Vocabulary::merges, for other programs, gets
/// only the split that the preceding merges lead to.
void addMergesFromRanks(const std::vector<std::string>& tokens, BpeModel& model, base::Budget& budget) {
  std::unordered_map<std::string_view, TokenId> ids;
  for (size_t rank = 0; rank < tokens.size(); ++rank)
    ids.emplace(tokens[rank], static_cast<TokenId>(rank));
  for (size_t rank = 0; rank < tokens.size(); ++rank) {
    const std::string_view token = tokens[rank];
    if (token.size() < 2)
      continue;
    std::vector<TokenId> bytes;
    std::vector<TokenId> parts;
    for (const char byte : token)
      bytes.push_back(model.byteTokens[static_cast<uint8_t>(byte)]);
    model.merges.apply(bytes, budget, parts);
    if (parts.size() == 2 && parts[0] >= 0 && parts[1] >= 0)
      model.vocabulary.merges.push_back(model.vocabulary.tokens[static_cast<size_t>(parts[0])] + " " +
                                        model.vocabulary.tokens[static_cast<size_t>(parts[1])]);
    for (size_t cut = 1; cut < token.size(); ++cut) {
      budget.step(16 + token.size(), "merges from ranks");
      const auto left = ids.find(token.substr(0, cut));
      const auto right = ids.find(token.substr(cut));
      if (left != ids.end() && right != ids.end())
        model.merges.add(left->second, right->second,
                         {static_cast<uint32_t>(rank), static_cast<TokenId>(rank)});
    }
  }
}

} // namespace

std::shared_ptr<const Tokenizer> readTiktoken(const std::filesystem::path& path, const base::Json& config,
                                              base::Budget& budget) {
  const std::string origin = path.string();
  const std::vector<std::string> tokens = readRanks(path, budget.stop());
  VocabularyBuilder builder(origin);
  int64_t next = 0;
  for (const std::string& token : tokens)
    builder.set(next++, symbolsOf(token), TokenType::Normal);
  for (const char* special : {kEndOfText, "<|im_start|>", "<|im_end|>"})
    builder.set(next++, special, TokenType::Control);
  for (int i = 0; i < kExtraTokens; ++i)
    builder.set(next++, "<|extra_" + std::to_string(i) + "|>", TokenType::Control);
  BpeModel model;
  model.origin = origin;
  builder.fill(model.vocabulary);
  model.vocabulary.model = TokenizerModel::ByteLevelBpe;
  model.vocabulary.addSpacePrefix = false;
  setByteTokens(indexTokens(model.vocabulary), model);
  for (size_t byte = 0; byte < 256; ++byte)
    if (model.byteTokens[byte] < 0)
      throw base::Error(base::ErrorCode::Corrupt,
                        origin + ": expected a token for each byte, found none for byte " +
                            std::to_string(byte));
  addMergesFromRanks(tokens, model, budget);
  model.normalizer.add(UnicodeForm::Nfc, origin);
  model.preTokenizer.add({kQwen2Pattern}, origin);
  model.vocabulary.pre = nameOfPreType(model.preTokenizer, false);
  SpecialTokens special = readSpecialTokens(path.parent_path(), budget.stop());
  if (!special.eos)
    special.eos = kEndOfText;
  applySpecialTokens(special, config, origin, model.vocabulary);
  addSpecialTokens(model);
  return std::make_shared<const BpeTokenizer>(std::move(model));
}

} // namespace nibblesmith::tokenizer
