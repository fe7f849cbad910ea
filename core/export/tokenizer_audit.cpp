// SPDX-License-Identifier: Apache-2.0
#include "export/tokenizer_audit.hpp"

#include "base/error.hpp"
#include "base/join.hpp"

#include <algorithm>

namespace nibblesmith::exporting {

namespace {

using tokenizer::TokenId;
using tokenizer::Tokenizer;
using tokenizer::TokenType;
using tokenizer::Vocabulary;

/// Limit for the total size of tested special tokens. Gemma 3 has 90 KB of them.
constexpr size_t kMostSpecialBytes = size_t{1} << 20;

struct Sample {
  TextKind kind;
  const char* name; ///< used in messages
  std::string text;
};

const std::vector<Sample>& fixedSamples() {
  static const std::vector<Sample> kSamples = {
      {TextKind::Usual, "a sentence", "The quick brown fox jumps over the lazy dog."},
      {TextKind::Usual, "capitals", "THE QUICK BROWN FOX JUMPS OVER THE LAZY DOG"},
      {TextKind::Usual, "digits", "0 1 23 456 7890 12345678 3.14 1,000"},
      {TextKind::Usual, "umlauts", "Größe für Äpfel, naïve façade, smørrebrød, Łódź"},
      {TextKind::Usual, "emoji", "🙂 🚀 👍🏽 and 🙃🙂"},
      {TextKind::Usual, "punctuation",
       R"(I'm, we've (it's) "so" #1 @home $5 50% a_b a-b/c x=y; {z}[0] <1> ~`^|\&*+!?:)"},
      {TextKind::Usual, "other scripts", "Привет, мир. 数字と漢字 こんにちは 한국어 हिन्दी مرحبا שלום ไทย"},
      {TextKind::Blanks, "repeated blanks", "two  blanks,   three"},
      {TextKind::Blanks, "leading blanks", "  leading"},
      {TextKind::Blanks, "trailing blanks", "trailing  "},
      {TextKind::Blanks, "line breaks and tabs", "if a:\n    return 1\n\n\n\tb\r\n"},
      {TextKind::Rare, "letters and accents written apart", "e\xCC\x81 A\xCC\x8A u\xCC\x88"},
      {TextKind::Rare, "compatibility characters such as ½ and ﬁ", "ﬁ ½ ² Ⅳ ＡＢＣ …"},
      {TextKind::Rare, "no-break and wide blanks",
       "a\xC2\xA0"
       "b\xE3\x80\x80"
       "c"},
      {TextKind::Rare, "joined emoji", "👨‍👩‍👧"},
      {TextKind::Rare, "blanks alone", " "},
      {TextKind::Rare, "blanks alone", "   "},
  };
  return kSamples;
}

bool isSpecial(TokenType type) {
  return type == TokenType::Control || type == TokenType::Unknown || type == TokenType::UserDefined;
}

/// Returns true if decode() omits tokens of this type with skipSpecial.
bool isLeftOut(TokenType type) { return type == TokenType::Control || type == TokenType::Unknown; }

TokenType typeOf(const Vocabulary& vocabulary, TokenId id) {
  const auto at = static_cast<size_t>(id);
  return at < vocabulary.types.size() ? vocabulary.types[at] : TokenType::Unused;
}

std::string idText(const std::vector<TokenId>& ids, size_t at) {
  return at < ids.size() ? "id " + std::to_string(ids[at]) : "no more ids";
}

class Comparison {
public:
  Comparison(const Tokenizer& expected, const Tokenizer& found, std::span<const TextKind> tolerated,
             const std::stop_token& stop)
      : m_expected(expected), m_found(found), m_tolerated(tolerated), m_stop(stop) {}

  TokenizerDifferences all() {
    tokens();
    surroundings();
    for (const Sample& sample : fixedSamples())
      text(sample, true, true);
    specialTokens();
    return std::move(m_differences);
  }

private:
  void fail(const std::string& what) {
    if (m_differences.failure.empty())
      m_differences.failure = what;
  }

  void tokens() {
    const Vocabulary &wanted = m_expected.vocabulary(), &got = m_found.vocabulary();
    const TokenId shared = std::min(m_expected.vocabularySize(), m_found.vocabularySize());
    for (TokenId id = 0; id < shared; ++id) {
      if (m_expected.tokenBytes(id) != m_found.tokenBytes(id))
        return fail("token " + std::to_string(id) + ": expected the text of the source's, found another one");
      if (isLeftOut(typeOf(wanted, id)) != isLeftOut(typeOf(got, id)))
        return fail("token " + std::to_string(id) + ": expected " +
                    (isLeftOut(typeOf(wanted, id)) ? "a control token" : "a token of texts") +
                    ", found the other kind");
    }
    for (const auto* longer : {&wanted, &got})
      for (TokenId id = shared; id < std::ssize(longer->tokens); ++id)
        if (typeOf(*longer, id) != TokenType::Unused)
          return fail("expected " + std::to_string(m_expected.vocabularySize()) + " tokens, found " +
                      std::to_string(m_found.vocabularySize()));
  }

  void surroundings() {
    const Vocabulary &wanted = m_expected.vocabulary(), &got = m_found.vocabulary();
    const auto same = [&](const char* name, int64_t a, int64_t b) {
      if (a != b)
        fail(std::string(name) + ": expected " + std::to_string(a) + ", found " + std::to_string(b));
    };
    if (wanted.bos >= 0)
      same("BOS", wanted.bos, got.bos);
    if (wanted.eos >= 0)
      same("EOS", wanted.eos, got.eos);
    same("BOS before a text", wanted.addBos, got.addBos);
    same("EOS behind a text", wanted.addEos, got.addEos);
  }

  void text(const Sample& sample, bool addSpecial, bool parseSpecial) {
    const std::vector<TokenId> wanted = m_expected.encode(sample.text, addSpecial, parseSpecial, m_stop);
    const std::vector<TokenId> got = m_found.encode(sample.text, addSpecial, parseSpecial, m_stop);
    const auto differ = std::ranges::mismatch(wanted, got);
    const bool isSame = differ.in1 == wanted.end() && differ.in2 == got.end();
    if (isSame && m_expected.decode(wanted, false) == m_found.decode(wanted, false))
      return;
    if (std::ranges::find(m_tolerated, sample.kind) != m_tolerated.end()) {
      std::string& names = m_differences.tolerated;
      if (names.find(sample.name) == std::string::npos)
        base::appendTo(names, sample.name);
      return;
    }
    const auto at = static_cast<size_t>(differ.in1 - wanted.begin());
    fail(std::string(sample.name) + (isSame ? ": expected the ids to become the source's text again, found "
                                              "another one"
                                            : ": expected " + idText(wanted, at) + " as number " +
                                                  std::to_string(at + 1) + ", found " + idText(got, at)));
  }

  void specialTokens() {
    const Vocabulary& vocabulary = m_expected.vocabulary();
    size_t bytes = 0;
    for (TokenId id = 0; id < m_expected.vocabularySize(); ++id) {
      if (!isSpecial(typeOf(vocabulary, id)))
        continue;
      const std::string token = m_expected.tokenBytes(id);
      bytes += token.size();
      if (bytes > kMostSpecialBytes)
        return;
      const char* kBeside = "words beside special tokens";
      if (typeOf(vocabulary, id) == TokenType::UserDefined) {
        userDefined(id, token);
        text({TextKind::BesideSpecialTokens, kBeside, token}, false, true);
      } else {
        const std::string name = "special token " + std::to_string(id);
        text({TextKind::SpecialTokens, name.c_str(), token}, false, true);
        text({TextKind::SpecialTokens, name.c_str(), token}, false, false);
      }
      text({TextKind::BesideSpecialTokens, kBeside, "a " + token + "\n b"}, false, true);
    }
  }

  /// Compares if both tokenizers match a user-defined token in text. The other ids may differ:
  /// sentencepiece's library adds its space prefix before such a token, llama.cpp does not.
  void userDefined(TokenId id, const std::string& token) {
    const auto isFound = [&](const Tokenizer& tokenizer) {
      return std::ranges::count(tokenizer.encode(token, false, true, m_stop), id) > 0;
    };
    if (const bool wanted = isFound(m_expected); wanted != isFound(m_found))
      fail("user-defined token " + std::to_string(id) + ": expected its text to " +
           (wanted ? "become this token, found others" : "become other tokens, found this one"));
  }

  const Tokenizer& m_expected;
  const Tokenizer& m_found;
  std::span<const TextKind> m_tolerated;
  std::stop_token m_stop;
  TokenizerDifferences m_differences;
};

} // namespace

TokenizerDifferences compareTokenizers(const Tokenizer& expected, const Tokenizer& found,
                                       std::span<const TextKind> tolerated, const std::stop_token& stop) {
  return Comparison(expected, found, tolerated, stop).all();
}

} // namespace nibblesmith::exporting
