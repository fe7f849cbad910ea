// SPDX-License-Identifier: Apache-2.0
#include "output.hpp"

#include "base/foreign_text.hpp"
#include "table.hpp"

#include <cstdint>
#include <cstdio>

namespace nibblesmith::nsmith {

namespace {

constexpr size_t kWordBytes = 4096; ///< fits the longest path

void write(std::FILE* stream, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

std::string filledIn(std::string_view format, std::initializer_list<Word> words) {
  constexpr std::string_view kPlace = "{}";
  std::string text;
  const Word* word = words.begin();
  for (size_t place = format.find(kPlace); place != std::string_view::npos && word != words.end();
       place = format.find(kPlace)) {
    text.append(format.substr(0, place)).append(word->text());
    format.remove_prefix(place + kPlace.size());
    ++word;
  }
  return text.append(format);
}

} // namespace

Word::Word(std::string_view text) : m_text(base::foreignText(text, kWordBytes)) {}

void print(std::string_view format, std::initializer_list<Word> words) {
  write(stdout, filledIn(format, words));
}

void printError(std::string_view format, std::initializer_list<Word> words) {
  write(stderr, filledIn(format, words));
}

void print(const Table& table) { write(stdout, table.text()); }

void printText(std::string_view text) { write(stdout, base::messageText(text, SIZE_MAX)); }

void printMessage(std::string_view message) { write(stderr, "nsmith: " + base::messageText(message) + "\n"); }

void printJson(const base::Json& json) {
  write(stdout, json.dump(2, ' ', true, base::Json::error_handler_t::replace) + "\n");
}

} // namespace nibblesmith::nsmith
