// SPDX-License-Identifier: Apache-2.0
#include "base/path_status.hpp"

#include "base/error.hpp"
#include "nib_test.hpp"

#include <fstream>

#include <QTemporaryDir>
#include <QTest>

#include <unistd.h>

using namespace nibblesmith;
namespace fs = std::filesystem;

class PathStatusTest : public QObject {
  Q_OBJECT

  QTemporaryDir m_folder;
  const fs::path m_root = m_folder.path().toStdString();

private slots:
  void initTestCase() {
    fs::create_directories(m_root / "folder/closed/inside");
    std::ofstream(m_root / "file") << "x";
    fs::create_symlink("loop", m_root / "loop");
    fs::create_symlink("file", m_root / "link");
    fs::permissions(m_root / "folder/closed", fs::perms::none);
  }
  void cleanupTestCase() { fs::permissions(m_root / "folder/closed", fs::perms::owner_all); }

  void whatIsThere() {
    QVERIFY(base::pathExists(m_root / "file") && base::pathExists(m_root / "link"));
    QVERIFY(base::pathExists(m_root / "folder"));
    QVERIFY(base::isRegularFile(m_root / "link") && !base::isRegularFile(m_root / "folder"));
    QVERIFY(base::isDirectory(m_root / "folder") && !base::isDirectory(m_root / "file"));
  }

  /// The functions of std::filesystem throw for these paths.
  void pathsThatCannotBeLookedAt() {
    std::vector<fs::path> paths = {m_root / "loop", m_root / std::string(5000, 'a'), "", "/nowhere/file"};
    if (::geteuid() != 0) // root may look everywhere
      paths.push_back(m_root / "folder/closed/inside");
    QVERIFY_THROWS_EXCEPTION(fs::filesystem_error, static_cast<void>(fs::exists(paths[0]))); // control
    QVERIFY_THROWS_EXCEPTION(fs::filesystem_error, static_cast<void>(fs::exists(paths[1])));
    for (const fs::path& path : paths) {
      QVERIFY2(!base::pathExists(path), path.c_str());
      QVERIFY2(!base::isDirectory(path), path.c_str());
      QVERIFY2(!base::isRegularFile(path), path.c_str());
      QVERIFY2(base::readableEntries(path).empty(), path.c_str());
      QVERIFY_THROWS_EXCEPTION(base::Error, base::directoryEntries(path));
    }
  }

  void absolutePaths() {
    QCOMPARE(base::absolutePath("/a/./b/../c"), fs::path("/a/c"));
    QCOMPARE(base::absolutePath("x"), fs::current_path() / "x");
    QVERIFY_THROWS_EXCEPTION(base::Error, base::absolutePath(""));
  }

  void entriesAreSorted() {
    const std::vector<fs::path> expected = {m_root / "file", m_root / "folder", m_root / "link",
                                            m_root / "loop"};
    QCOMPARE(base::directoryEntries(m_root), expected);
    QCOMPARE(base::readableEntries(m_root), expected);
  }
};

NIB_TEST(PathStatusTest)
#include "path_status_test.moc"
