// SPDX-License-Identifier: Apache-2.0
#include "evaluation/porter_stemmer.hpp"

#include <array>
#include <span>
#include <utility>

namespace nibblesmith::evaluation {
namespace {

/// Classifies letters from left to right as consonants or vowels in Porter's sense: y is a vowel after a
/// consonant.
class LetterKinds {
public:
  /// Returns true if `letter`, the next letter of the word, is a consonant.
  bool next(char letter) {
    const bool vowelLetter =
        letter == 'a' || letter == 'e' || letter == 'i' || letter == 'o' || letter == 'u';
    m_consonant = letter == 'y' ? m_first || !m_consonant : !vowelLetter;
    m_first = false;
    return m_consonant;
  }

private:
  bool m_first = true;
  bool m_consonant = false;
};

bool isConsonant(std::string_view word, size_t index) {
  LetterKinds kinds;
  bool consonant = false;
  for (size_t i = 0; i <= index; ++i)
    consonant = kinds.next(word[i]);
  return consonant;
}

/// Returns m of the form [C](VC){m}[V].
int measure(std::string_view stem) {
  LetterKinds kinds;
  int m = 0;
  bool previousVowel = false;
  for (const char letter : stem) {
    const bool consonant = kinds.next(letter);
    m += previousVowel && consonant ? 1 : 0;
    previousVowel = !consonant;
  }
  return m;
}

bool containsVowel(std::string_view stem) {
  LetterKinds kinds;
  for (const char letter : stem)
    if (!kinds.next(letter))
      return true;
  return false;
}

/// Condition *d.
bool endsInDoubleConsonant(std::string_view word) {
  const size_t n = word.size();
  return n >= 2 && word[n - 1] == word[n - 2] && isConsonant(word, n - 1);
}

/// Condition *o, with NLTK's case of a two-letter stem.
bool endsConsonantVowelConsonant(std::string_view word) {
  const size_t n = word.size();
  if (n == 2)
    return !isConsonant(word, 0) && isConsonant(word, 1);
  if (n < 3)
    return false;
  const char last = word[n - 1];
  return isConsonant(word, n - 3) && !isConsonant(word, n - 2) && isConsonant(word, n - 1) && last != 'w' &&
         last != 'x' && last != 'y';
}

std::string_view withoutEnd(std::string_view word, size_t letters) {
  return word.substr(0, word.size() - letters);
}

struct Rule {
  std::string_view suffix;
  std::string_view replacement;
};

/// Applies the first rule whose suffix matches, if the measure of the stem exceeds `above`.
std::string applyRules(std::string word, std::span<const Rule> rules, int above) {
  for (const Rule& rule : rules) {
    if (!word.ends_with(rule.suffix))
      continue;
    const std::string_view stem = withoutEnd(word, rule.suffix.size());
    if (measure(stem) > above)
      return std::string(stem).append(rule.replacement);
    return word;
  }
  return word;
}

std::string_view irregular(std::string_view word) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 16> kForms{{
      {"sky", "sky"},
      {"skies", "sky"},
      {"dying", "die"},
      {"lying", "lie"},
      {"tying", "tie"},
      {"news", "news"},
      {"innings", "inning"},
      {"inning", "inning"},
      {"outings", "outing"},
      {"outing", "outing"},
      {"cannings", "canning"},
      {"canning", "canning"},
      {"howe", "howe"},
      {"proceed", "proceed"},
      {"exceed", "exceed"},
      {"succeed", "succeed"},
  }};
  for (const auto& [form, stem] : kForms)
    if (form == word)
      return stem;
  return {};
}

/// Step 1a: plurals.
std::string step1a(std::string word) {
  if (word.ends_with("ies"))
    word.resize(word.size() - (word.size() == 4 ? 1 : 2));
  else if (word.ends_with("sses"))
    word.resize(word.size() - 2);
  else if (word.ends_with('s') && !word.ends_with("ss"))
    word.pop_back();
  return word;
}

/// Restores the end of a stem after the removal of "ed" or "ing".
std::string restoreEnd(std::string stem) {
  if (stem.ends_with("at") || stem.ends_with("bl") || stem.ends_with("iz"))
    return stem + 'e';
  if (endsInDoubleConsonant(stem)) {
    const char last = stem.back();
    if (last != 'l' && last != 's' && last != 'z')
      stem.pop_back();
    return stem;
  }
  if (measure(stem) == 1 && endsConsonantVowelConsonant(stem))
    stem += 'e';
  return stem;
}

/// Step 1b: past tenses and participles.
std::string step1b(std::string word) {
  if (word.ends_with("ied")) {
    word.resize(word.size() - (word.size() == 4 ? 1 : 2));
    return word;
  }
  if (word.ends_with("eed")) {
    if (measure(withoutEnd(word, 3)) > 0)
      word.pop_back();
    return word;
  }
  for (const std::string_view suffix : {std::string_view("ed"), std::string_view("ing")})
    if (word.ends_with(suffix) && containsVowel(withoutEnd(word, suffix.size())))
      return restoreEnd(std::string(withoutEnd(word, suffix.size())));
  return word;
}

std::string step1c(std::string word) {
  if (word.size() > 2 && word.back() == 'y' && isConsonant(word, word.size() - 2))
    word.back() = 'i';
  return word;
}

std::string step2(std::string word) {
  static constexpr std::array<Rule, 21> kRules{{
      {"ational", "ate"}, {"tional", "tion"}, {"enci", "ence"}, {"anci", "ance"}, {"izer", "ize"},
      {"bli", "ble"},     {"alli", "al"},     {"entli", "ent"}, {"eli", "e"},     {"ousli", "ous"},
      {"ization", "ize"}, {"ation", "ate"},   {"ator", "ate"},  {"alism", "al"},  {"iveness", "ive"},
      {"fulness", "ful"}, {"ousness", "ous"}, {"aliti", "al"},  {"iviti", "ive"}, {"biliti", "ble"},
      {"fulli", "ful"},
  }};
  // "alli" is replaced first, and its result, such as "ational", goes through the step.
  if (word.ends_with("alli") && measure(withoutEnd(word, 4)) > 0)
    word.resize(word.size() - 2);
  if (word.ends_with("logi")) {
    // The l belongs to the stem, so that "geo" and "theo" are treated like "archaeo".
    if (measure(withoutEnd(word, 3)) > 0)
      word.pop_back();
    return word;
  }
  return applyRules(std::move(word), kRules, 0);
}

std::string step3(std::string word) {
  static constexpr std::array<Rule, 7> kRules{{{"icate", "ic"},
                                               {"ative", ""},
                                               {"alize", "al"},
                                               {"iciti", "ic"},
                                               {"ical", "ic"},
                                               {"ful", ""},
                                               {"ness", ""}}};
  return applyRules(std::move(word), kRules, 0);
}

std::string step4(std::string word) {
  static constexpr std::array<Rule, 18> kRules{{
      {"al", ""},
      {"ance", ""},
      {"ence", ""},
      {"er", ""},
      {"ic", ""},
      {"able", ""},
      {"ible", ""},
      {"ant", ""},
      {"ement", ""},
      {"ment", ""},
      {"ent", ""},
      {"ou", ""},
      {"ism", ""},
      {"ate", ""},
      {"iti", ""},
      {"ous", ""},
      {"ive", ""},
      {"ize", ""},
  }};
  if (!word.ends_with("ion"))
    return applyRules(std::move(word), kRules, 1);
  const std::string_view stem = withoutEnd(word, 3);
  if (measure(stem) > 1 && (stem.back() == 's' || stem.back() == 't'))
    word.resize(stem.size());
  return word;
}

std::string step5(std::string word) {
  if (word.ends_with('e')) {
    const std::string_view stem = withoutEnd(word, 1);
    const int m = measure(stem);
    if (m > 1 || (m == 1 && !endsConsonantVowelConsonant(stem)))
      word.pop_back();
  }
  if (word.ends_with("ll") && measure(withoutEnd(word, 1)) > 1)
    word.pop_back();
  return word;
}

} // namespace

std::string porterStem(std::string_view word) {
  if (const std::string_view stem = irregular(word); !stem.empty())
    return std::string(stem);
  if (word.size() <= 2)
    return std::string(word);
  return step5(step4(step3(step2(step1c(step1b(step1a(std::string(word))))))));
}

} // namespace nibblesmith::evaluation
