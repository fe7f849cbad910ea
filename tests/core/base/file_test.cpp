// SPDX-License-Identifier: Apache-2.0
#include "base/file.hpp"

#include "base/error.hpp"
#include "nib_test.hpp"

#include <QTemporaryDir>
#include <QtTest>

#include <optional>

using namespace nibblesmith::base;
namespace fs = std::filesystem;

namespace {

std::optional<ErrorCode> codeOf(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return std::nullopt;
}

size_t filesIn(const fs::path& directory) {
  return static_cast<size_t>(std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}

} // namespace

class FileTest : public QObject {
  Q_OBJECT

private:
  QTemporaryDir m_root;
  int m_next = 0;
  fs::path newDirectory() {
    const fs::path path = fs::path(m_root.path().toStdString()) / std::to_string(m_next++);
    fs::create_directories(path);
    return path;
  }

private slots:
  void writtenAndReadBack() {
    const fs::path path = newDirectory() / "new" / "deep" / "file.txt";
    writeFileAtomically(path, std::string("a\0b\n", 4));
    QCOMPARE(readTextFile(path), std::string("a\0b\n", 4));
    writeFileAtomically(path, "");
    QCOMPARE(readTextFile(path), std::string());
    QCOMPARE(filesIn(path.parent_path()), size_t{1});
  }

  void nothingIsSeenBeforeTheCommit() {
    const fs::path directory = newDirectory();
    const fs::path path = directory / "file";
    writeFileAtomically(path, "old");
    {
      AtomicFile file(path);
      file.write("new, but never finished");
      QCOMPARE(file.position(), uint64_t{23});
      QCOMPARE(readTextFile(path), std::string("old"));
    }
    QCOMPARE(readTextFile(path), std::string("old"));
    QCOMPARE(filesIn(directory), size_t{1});
    AtomicFile file(path);
    file.write("new");
    file.commit();
    QCOMPARE(readTextFile(path), std::string("new"));
  }

  void aFullDiskIsAnError() {
    if (!fs::exists("/dev/full"))
      QSKIP("needs /dev/full");
    const auto refused = codeOf([] {
      // The device takes the place of the temporary file that would be written.
      QTemporaryDir root;
      const fs::path target = fs::path(root.path().toStdString()) / "file";
      fs::create_symlink("/dev/full",
                         target.string() + ".tmp" + std::to_string(QCoreApplication::applicationPid()));
      AtomicFile file(target);
      file.write(std::string(1 << 20, 'x'));
    });
    QVERIFY(refused == ErrorCode::Io);
  }

  void errorsHaveTheirCodes() {
    const fs::path directory = newDirectory();
    QVERIFY(codeOf([&] { MappedFile(directory / "gone"); }) == ErrorCode::NotFound);
    QVERIFY(codeOf([&] { MappedFile{directory}; }) == ErrorCode::Io);
    QVERIFY(codeOf([&] { MappedFile("/dev/null"); }) == ErrorCode::Io);
    writeFileAtomically(directory / "big", std::string(100, 'x'));
    QVERIFY(codeOf([&] { readTextFile(directory / "big", 99); }) == ErrorCode::InvalidArgument);
    QVERIFY(!codeOf([&] { readTextFile(directory / "big", 100); }));
    QVERIFY(codeOf([&] { AtomicFile(directory / "big" / "below a file"); }) == ErrorCode::Io);
  }

  void mappedBytes() {
    const fs::path path = newDirectory() / "file";
    writeFileAtomically(path, "abc");
    const MappedFile file(path);
    fs::remove(path); // the bytes stay
    QCOMPARE(file.bytes().size(), size_t{3});
    QCOMPARE(static_cast<char>(file.bytes()[2]), 'c');
  }
};

NIB_TEST(FileTest)
#include "file_test.moc"
