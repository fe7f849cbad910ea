// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"

#include <concepts>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>

namespace nibblesmith::nsmith {

class Table;

/// One word of a line that is printed: a number, or text, which may come from a file or a device and is shown
/// as base::foreignText().
class Word {
public:
  Word(std::integral auto number) : m_text(std::to_string(number)) {}
  Word(std::string_view text);
  Word(const std::string& text) : Word(std::string_view(text)) {}
  Word(const char* text) : Word(std::string_view(text)) {}
  Word(const std::filesystem::path& path) : Word(std::string_view(path.native())) {}
  const std::string& text() const { return m_text; }

private:
  std::string m_text;
};

// What the program says goes through these functions, and nothing else writes to a terminal: text from
// outside could hold escape sequences that the terminal obeys.

/// Prints a line of ours on standard output, with each "{}" replaced by the next word.
void print(std::string_view format, std::initializer_list<Word> words = {});
/// The same on standard error.
void printError(std::string_view format, std::initializer_list<Word> words = {});
void print(const Table& table);
/// Prints text of several lines as base::messageText(), all of it: a help text, or what a model generates.
void printText(std::string_view text);
/// Prints an error message behind "nsmith: " on standard error.
void printMessage(std::string_view message);
/// Prints JSON in ASCII alone, which holds no character that a terminal obeys.
void printJson(const base::Json& json);

} // namespace nibblesmith::nsmith
