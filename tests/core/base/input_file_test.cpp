// SPDX-License-Identifier: Apache-2.0
#include "base/input_file.hpp"
#include "nib_test.hpp"
#include "refusal.hpp"
#include "special_files.hpp"
#include "write_bytes.hpp"

#include <QTemporaryDir>
#include <QtTest>

#include <fstream>

using namespace nibblesmith;
using base::ErrorCode;
namespace fs = std::filesystem;

class InputFileTest : public QObject {
  Q_OBJECT

private:
  QTemporaryDir m_root;
  int m_next = 0;
  fs::path newPath() { return fs::path(m_root.path().toStdString()) / std::to_string(m_next++); }

  static void expectRefusal(const std::function<void()>& call, ErrorCode code,
                            const std::vector<std::string>& words) {
    const std::string wrong = test::check(test::refusalOf(call), code, words);
    QVERIFY2(wrong.empty(), wrong.c_str());
  }

private slots:
  // Opening must not block on any of them, or the test would hang.
  void specialFiles_data() {
    QTest::addColumn<int>("kind");
    for (const test::SpecialFile kind : test::kNotRegular)
      QTest::newRow(test::nameOf(kind)) << static_cast<int>(kind);
  }
  void specialFiles() {
    QFETCH(int, kind);
    const auto special = static_cast<test::SpecialFile>(kind);
    const fs::path path = newPath();
    if (!test::makeSpecial(special, path))
      QSKIP("this file cannot be made here");
    for (const auto& open :
         std::vector<std::function<void()>>{[&] { base::InputFile{path}; }, [&] { base::readTextFile(path); },
                                            [&] { base::fileSize(path); }, [&] { base::fileExists(path); }})
      expectRefusal(open, ErrorCode::Io, {path.string(), "expected a regular file", test::kindOf(special)});
    QCOMPARE(base::readSystemFile(path), std::string());
  }

  void readsAtAnyPlace() {
    const fs::path path = newPath();
    test::writeBytes(path, "0123456789");
    const base::InputFile file(path);
    QCOMPARE(file.size(), uint64_t{10});
    std::string part(4, '\0');
    file.read(6, std::as_writable_bytes(std::span(part)));
    QCOMPARE(part, std::string("6789"));
    expectRefusal([&] { file.read(7, std::as_writable_bytes(std::span(part))); }, ErrorCode::Io,
                  {path.string(), "4 bytes at 7", "found 3"});
    QCOMPARE(file.text(10), std::string("0123456789"));
    expectRefusal([&] { file.text(9); }, ErrorCode::InvalidArgument,
                  {path.string(), "10 bytes", "at most 9"});
  }

  void aStopIsHeard() {
    const fs::path path = newPath();
    test::writeBytes(path, "text");
    std::stop_source source;
    source.request_stop();
    QVERIFY_EXCEPTION_THROWN(base::readTextFile(path, 100, source.get_token()), base::Cancelled);
  }

  void aFileThatChangesIsNoticed() {
    const fs::path path = newPath();
    test::writeBytes(path, std::string(10'000, 'x'));
    fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(1));
    const base::InputFile file(path);
    file.requireUnchanged();
    fs::resize_file(path, 9'999);
    expectRefusal([&] { file.requireUnchanged(); }, ErrorCode::Io, {path.string(), "10000", "9999"});
    fs::resize_file(path, 10'000);
    expectRefusal([&] { file.requireUnchanged(); }, ErrorCode::Io, {path.string(), "wrote to it"});
  }

  void absentFiles() {
    const fs::path path = newPath();
    QVERIFY(!base::fileExists(path));
    fs::create_symlink("nowhere", path);
    QVERIFY(!base::fileExists(path));
    expectRefusal([&] { base::InputFile{path}; }, ErrorCode::NotFound, {path.string()});
    expectRefusal([&] { base::openWithin(path.parent_path(), path.filename()); }, ErrorCode::NotFound,
                  {path.string()});
  }

  void linksWithinTheDirectory() {
    const fs::path directory = newPath();
    test::writeBytes(directory / "a" / "file", "inside");
    fs::create_symlink("a/file", directory / "link");
    fs::create_symlink("link", directory / "second");
    for (const char* name : {"a/file", "link", "second"})
      QCOMPARE(base::openWithin(directory, name).text(100), std::string("inside"));
    // The directory itself may be a symbolic link.
    const fs::path other = newPath();
    fs::create_directory_symlink(directory, other);
    QCOMPARE(base::openWithin(other, "link").text(100), std::string("inside"));
  }

  void linksOutOfTheDirectory() {
    const fs::path directory = newPath();
    const fs::path secret = newPath() / "id_ed25519";
    test::writeBytes(secret, "private");
    fs::create_directories(directory);
    fs::create_symlink(secret, directory / "vocab.json");
    fs::create_directory_symlink(secret.parent_path(), directory / "inner");
    const std::vector<std::string> words = {"symbolic link", secret.string(), "model's directory", "copy"};
    expectRefusal([&] { base::openWithin(directory, "vocab.json"); }, ErrorCode::Io, words);
    expectRefusal([&] { base::openWithin(directory, "inner/id_ed25519"); }, ErrorCode::Io, words);
    expectRefusal(
        [&] {
          base::openWithin(directory, "../" + secret.parent_path().filename().string() + "/id_ed25519");
        },
        ErrorCode::Io, words);
    // A sibling whose name starts with the directory's name is outside, too.
    const fs::path beside = directory.string() + "x";
    test::writeBytes(beside / "f", "private");
    fs::create_symlink(beside / "f", directory / "g");
    expectRefusal([&] { base::openWithin(directory, "g"); }, ErrorCode::Io, {"symbolic link"});
  }

  void linksOfTheHuggingFaceCache() {
    const fs::path root = newPath() / "models--a--b";
    const fs::path snapshot = root / "snapshots" / "0123abc";
    test::writeBytes(root / "blobs" / "9f8e", "blob");
    test::writeBytes(root / "refs" / "main", "0123abc");
    fs::create_directories(snapshot / "sub");
    fs::create_symlink("../../blobs/9f8e", snapshot / "tokenizer.json");
    fs::create_symlink("../../../blobs/9f8e", snapshot / "sub" / "tokenizer.json");
    fs::create_symlink("../../refs/main", snapshot / "vocab.json");
    QCOMPARE(base::openWithin(snapshot, "tokenizer.json").text(100), std::string("blob"));
    QCOMPARE(base::openWithin(snapshot / "sub", "tokenizer.json").text(100), std::string("blob"));
    expectRefusal([&] { base::openWithin(snapshot, "vocab.json"); }, ErrorCode::Io, {"symbolic link"});
    // Cache-like directory whose blobs are elsewhere.
    const fs::path secret = newPath();
    test::writeBytes(secret / "id_ed25519", "private");
    fs::remove_all(root / "blobs");
    fs::create_directory_symlink(secret, root / "blobs");
    fs::remove(snapshot / "tokenizer.json");
    fs::create_symlink("../../blobs/id_ed25519", snapshot / "tokenizer.json");
    expectRefusal([&] { base::openWithin(snapshot, "tokenizer.json"); }, ErrorCode::Io, {"symbolic link"});
  }

  void systemFiles() {
    QVERIFY(base::readSystemFile("/proc/self/status").find("VmRSS:") != std::string::npos);
    QCOMPARE(base::readSystemFile("/proc/self/status", 5), std::string("Name:"));
    QCOMPARE(base::readSystemFile(newPath()), std::string());
    QVERIFY(!base::writeSystemFile(newPath(), "5"));
  }
};

NIB_TEST(InputFileTest)
#include "input_file_test.moc"
