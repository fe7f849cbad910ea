// SPDX-License-Identifier: Apache-2.0
#include "base/file.hpp"

#include "base/error.hpp"
#include "nib_test.hpp"

#include <QTemporaryDir>
#include <QtTest>

#include <csignal>
#include <optional>

#include <sys/resource.h>
#include <sys/stat.h>

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
    const fs::path directory = newDirectory();
    // A file size limit simulates a full disk.
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit old{};
    QCOMPARE(getrlimit(RLIMIT_FSIZE, &old), 0);
    const rlimit small{20'000, old.rlim_max};
    QCOMPARE(setrlimit(RLIMIT_FSIZE, &small), 0);
    const auto refused = codeOf([&] { writeFileAtomically(directory / "file", std::string(1 << 20, 'x')); });
    QCOMPARE(setrlimit(RLIMIT_FSIZE, &old), 0);
    QVERIFY(refused == ErrorCode::Io);
    QCOMPARE(filesIn(directory), size_t{0});
  }

  /// Devices, pipes and directories are never replaced.
  void onlyFilesAreReplaced() {
    const fs::path directory = newDirectory();
    QCOMPARE(::mkfifo((directory / "pipe").c_str(), 0600), 0);
    fs::create_directories(directory / "empty");
    fs::create_symlink("/dev/null", directory / "device");
    fs::create_symlink("nowhere", directory / "dangling");
    for (const char* name : {"pipe", "empty", "device", "dangling"})
      QVERIFY2(codeOf([&] { writeFileAtomically(directory / name, "x"); }) == ErrorCode::InvalidArgument,
               name);
    QVERIFY(fs::is_fifo(directory / "pipe") && fs::is_directory(directory / "empty"));
    QVERIFY(fs::is_character_file("/dev/null") && fs::is_symlink(directory / "device"));
    QCOMPARE(filesIn(directory), size_t{4});
    // Nor is an entry that gets the name while the file is being written.
    AtomicFile file(directory / "late");
    QCOMPARE(::mkfifo((directory / "late").c_str(), 0600), 0);
    QVERIFY(codeOf([&] { file.commit(); }) == ErrorCode::InvalidArgument);
    QVERIFY(fs::is_fifo(directory / "late"));
  }

  void linksAndPermissionsStay() {
    const fs::path directory = newDirectory();
    writeFileAtomically(directory / "target", "old");
    QCOMPARE(::chmod((directory / "target").c_str(), 0600), 0);
    fs::create_symlink("target", directory / "link");
    writeFileAtomically(directory / "link", "new");
    QVERIFY(fs::is_symlink(directory / "link"));
    QCOMPARE(readTextFile(directory / "target"), std::string("new"));
    QVERIFY(fs::status(directory / "target").permissions() ==
            (fs::perms::owner_read | fs::perms::owner_write));
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
};

NIB_TEST(FileTest)
#include "file_test.moc"
