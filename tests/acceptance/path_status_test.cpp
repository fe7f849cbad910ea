// SPDX-License-Identifier: Apache-2.0
// Source check: no call of std::filesystem may throw std::filesystem::filesystem_error. In an event handler
// of Qt it ends the program, and its text tells the user nothing to do.
#include "nib_test.hpp"
#include "sources.hpp"

#include <QtTest>

#include <algorithm>
#include <regex>

using namespace nibblesmith;
namespace fs = std::filesystem;

namespace {

/// Functions with an overload that throws.
const char* const kCalls =
    R"(\b(?:std::filesystem|fs)::(exists|is_directory|is_regular_file|is_symlink|is_fifo|is_socket|is_other|)"
    R"(is_block_file|is_character_file|is_empty|file_size|status|symlink_status|remove|remove_all|rename|)"
    R"(resize_file|copy|copy_file|copy_symlink|create_directory|create_directories|create_symlink|)"
    R"(create_directory_symlink|create_hard_link|read_symlink|absolute|canonical|weakly_canonical|relative|)"
    R"(proximate|equivalent|space|permissions|last_write_time|hard_link_count|current_path|)"
    R"(temp_directory_path|(?:recursive_)?directory_iterator(?:\s+\w+)?)\s*\()";
/// Methods of directory_entry without an argument, and loops whose increment throws.
const char* const kOthers =
    R"([.>](is_regular_file|is_directory|is_symlink|file_size|last_write_time|hard_link_count)\(\s*\)|)"
    R"(\bfor\s*\([^;)]*:\s*(?:std::filesystem|fs)::(?:recursive_)?directory_iterator\b)";

/// Returns the arguments of a call; `begin` is behind the opening parenthesis.
std::vector<std::string> argumentsAt(const std::string& code, size_t begin) {
  std::vector<std::string> arguments(1);
  int depth = 0;
  for (size_t at = begin; at < code.size(); ++at) {
    const char c = code[at];
    depth += c == '(' || c == '{' || c == '[' ? 1 : c == ')' || c == '}' || c == ']' ? -1 : 0;
    if (depth < 0)
      break;
    if (c == ',' && depth == 0)
      arguments.emplace_back();
    else if (arguments.back().size() > 0 || !std::isspace(static_cast<unsigned char>(c)))
      arguments.back() += c;
  }
  return arguments;
}

/// True if the code declares a variable of this type and name.
bool declares(const std::string& code, const std::string& type, const std::string& name) {
  static const std::regex kName(R"(\w+)");
  return std::regex_match(name, kName) &&
         std::regex_search(code, std::regex(type + R"(&?\s+(?:\w+,\s*)*)" + name + R"(\b)"));
}

/// True if the call reports errors in an std::error_code, or looks at a status that is known already.
bool cannotThrow(const std::string& code, const std::vector<std::string>& arguments) {
  static const std::regex kStatus(R"(^(std::filesystem|fs)::(symlink_)?status\()");
  return declares(code, "error_code", arguments.back()) || declares(code, "file_status", arguments.front()) ||
         std::regex_search(arguments.front(), kStatus);
}

std::string withoutComments(const std::string& text) {
  return std::regex_replace(text, std::regex("//[^\n]*"), "");
}

std::vector<std::string> findingsIn(const std::string& text) {
  static const std::regex kCall(kCalls), kOther(kOthers);
  const std::string code = withoutComments(text);
  std::vector<std::string> found;
  const auto add = [&](const std::smatch& match) {
    const auto line = std::count(code.begin(), code.begin() + match.position(), '\n') + 1;
    found.push_back(std::to_string(line) + ": " + match.str());
  };
  for (std::sregex_iterator at(code.begin(), code.end(), kCall), end; at != end; ++at)
    if (!cannotThrow(code, argumentsAt(code, static_cast<size_t>(at->position() + at->length()))))
      add(*at);
  for (std::sregex_iterator at(code.begin(), code.end(), kOther), end; at != end; ++at)
    add(*at);
  return found;
}

} // namespace

class PathStatusSourcesTest : public QObject {
  Q_OBJECT

private slots:
  void patternsFindWhatTheyAreFor() {
    for (const char* breach :
         {"if (std::filesystem::exists(path)) {}", "fs::is_directory(row.path)", "fs::remove(file);",
          "const auto size = fs::file_size(a / b);", "fs::is_empty(directory, ignored)", // not declared
          "std::error_code failure; fs::weakly_canonical(fs::absolute(path), failure);",
          "fs::exists(path(\"a\", b))", "fs::rename(a,\n b);", "fs::directory_iterator entry(folder);",
          "std::error_code e; for (const auto& entry : fs::directory_iterator(folder, e)) {}",
          "if (entry.is_regular_file()) {}", "it->file_size()"})
      QVERIFY2(!findingsIn(breach).empty(), breach);
    for (const char* fine :
         {"std::error_code failure; fs::exists(path, failure);",
          "bool f(std::error_code& e) { fs::remove(a, e); }",
          "std::error_code ignored; fs::is_directory(fs::symlink_status(path, ignored))",
          "std::error_code e; const fs::file_status status = fs::status(path, e); fs::exists(status);",
          "base::pathExists(path); // fs::exists(path)", "QFileInfo(path).exists()", "list.remove(name);",
          "std::error_code e; for (fs::directory_iterator it(path, e), end; it != end; it.increment(e)) {}"})
      QVERIFY2(findingsIn(fine).empty(), fine);
  }

  void noCallThrows() {
    int files = 0;
    std::string found;
    for (const char* folder : {"app", "core", "ui", "plugins"})
      files += test::forEachSource(folder, [&](const fs::path& path, const std::string& text) {
        for (const std::string& line : findingsIn(text))
          found += path.string() + ":" + line + "\n";
      });
    QVERIFY2(files > 300, qPrintable(QString::number(files)));
    QVERIFY2(
        found.empty(),
        ("use core/base/path_status.hpp or fileExists(), or pass an std::error_code:\n" + found).c_str());
  }
};

NIB_TEST(PathStatusSourcesTest)
#include "path_status_test.moc"
