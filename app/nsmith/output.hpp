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

/// Argument of a printed line: a number, or text, which may come from a file or a device and is shown as
/// base::foreignText().
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

// All output of the program passes through these functions, because text from outside could contain escape
// sequences for the terminal.

/// Prints a line on standard output, with each "{}" replaced by the next word.
void print(std::string_view format, std::initializer_list<Word> words = {});
/// Prints a line like print(), on standard error.
void printError(std::string_view format, std::initializer_list<Word> words = {});
void print(const Table& table);
/// Prints text of several lines as base::messageText() without shortening it: a help text, or generated text.
void printText(std::string_view text);
/// Prints an error message on standard error, preceded by "nsmith: ".
void printMessage(std::string_view message);
/// Prints JSON in ASCII, which contains no control characters for the terminal.
void printJson(const base::Json& json);

} // namespace nibblesmith::nsmith
