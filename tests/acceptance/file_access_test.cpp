// SPDX-License-Identifier: Apache-2.0
#include "nib_test.hpp"
#include "sources.hpp"

#include <QtTest>

#include <algorithm>
#include <regex>

using namespace nibblesmith;
namespace fs = std::filesystem;

namespace {

/// Ways to open a file that bypass base::InputFile and the writers of core/base. They block on named pipes,
/// read devices without end, or do not notice a file that is truncated during the read.
const std::vector<const char*> kRawAccess = {R"(\b[io]?fstream\b)",
                                             R"(\bf(re)?open\s*\()",
                                             R"(::open(at)?\s*\()",
                                             R"(\bmmap\s*\()",
                                             R"(\bO_RD(ONLY|WR)\b)",
                                             R"(\bQFile\b)",
                                             R"(\b(file_size|copy_file)\s*\()",
                                             R"(\bLoadFile\s*\()",
                                             R"(\b\w+_privkey_file\s*\()"};

/// Returns the lines of the text that use one of these ways.
std::vector<std::string> findingsIn(const std::string& text) {
  std::vector<std::string> found;
  static const std::vector<std::regex> patterns(kRawAccess.begin(), kRawAccess.end());
  size_t number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    ++number;
    const bool matches = std::any_of(patterns.begin(), patterns.end(), [&](const std::regex& pattern) {
      return std::regex_search(line, pattern);
    });
    // A child process gets /dev/null as its input.
    if (matches && line.find("//") == std::string::npos && line.find("\"/dev/null\"") == std::string::npos)
      found.push_back(std::to_string(number) + ": " + line);
  }
  return found;
}

/// core/base is the guarded way itself.
bool isChecked(const fs::path& path) {
  return !path.filename().string().ends_with("_test.cpp") && path.parent_path() != "core/base";
}

} // namespace

class FileAccessTest : public QObject {
  Q_OBJECT

private slots:
  void patternsFindWhatTheyAreFor() {
    for (const char* line :
         {"std::ifstream in(path);", "#include <fstream>", "FILE* f = std::fopen(p, \"r\");",
          "::open(path, 0)", "::openat(at, path, 0)", "::mmap(nullptr, 1, 0, 0, f, 0)", "open(p, O_RDONLY)",
          "QFile file(name);", "std::filesystem::file_size(path)", "fs::copy_file(a, b)",
          "YAML::LoadFile(name)", "ssh_pki_import_privkey_file(name, 0, 0, 0, &key)"})
      QVERIFY2(findingsIn(line).size() == 1, line);
    for (const char* line :
         {"QFileInfo info(name);", "base::InputFile file(path);", "session.open();",
          "QFileDialog::getOpenFileName(this)", "MappedFile(path)", "void openFile(path);"})
      QVERIFY2(findingsIn(line).empty(), line);
  }

  void everyFileIsOpenedByTheGuardedWay() {
    int files = 0;
    std::string found;
    for (const char* folder : {"app", "core", "ui", "plugins"})
      test::forEachSource(folder, [&](const fs::path& path, const std::string& text) {
        if (!isChecked(path))
          return;
        ++files;
        for (const std::string& line : findingsIn(text))
          found += path.string() + ":" + line + "\n";
      });
    QVERIFY2(files > 300, qPrintable(QString::number(files)));
    QVERIFY2(
        found.empty(),
        ("open these by core/base/input_file.hpp, mapped_file.hpp or atomic_file.hpp:\n" + found).c_str());
  }
};

NIB_TEST(FileAccessTest)
#include "file_access_test.moc"
