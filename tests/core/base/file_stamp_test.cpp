// SPDX-License-Identifier: Apache-2.0
#include "base/file_stamp.hpp"
#include "nib_test.hpp"

#include "base/error.hpp"

#include <fstream>

#include <QTemporaryDir>
#include <QTest>

#include <fcntl.h>
#include <sys/stat.h>

using namespace nibblesmith;
namespace fs = std::filesystem;

class FileStampTest : public QObject {
  Q_OBJECT

  QTemporaryDir m_folder;

  fs::path write(const std::string& name, const std::string& text) const {
    const fs::path path = fs::path(m_folder.path().toStdString()) / name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

private slots:
  void itStaysWhileTheFileDoes() {
    const fs::path file = write("same", "weights");
    const base::FileStamp before = base::stampOf(file);
    QCOMPARE(before.sizeBytes, uint64_t{7});
    QVERIFY(base::stampOf(file) == before);
    QVERIFY(base::stampOf(file).text() == before.text());
  }

  /// Same name, same size and restored mtime still give another stamp.
  void everyChangeShows() {
    const fs::path file = write("changed", "aaaa");
    const base::FileStamp before = base::stampOf(file);
    struct stat info {};
    QCOMPARE(::stat(file.c_str(), &info), 0);
    QTest::qWait(20); // more than a clock tick
    write("changed", "bbbb");
    const timespec times[2] = {info.st_atim, info.st_mtim};
    QCOMPARE(::utimensat(AT_FDCWD, file.c_str(), times, 0), 0);
    const base::FileStamp after = base::stampOf(file);
    QCOMPARE(after.modifiedNs, before.modifiedNs);
    QCOMPARE(after.sizeBytes, before.sizeBytes);
    QVERIFY(after != before);
    QVERIFY(after.text() != before.text());
  }

  void aFileInThePlaceOfAnotherShows() {
    const fs::path file = write("place", "aaaa");
    const base::FileStamp before = base::stampOf(file);
    fs::rename(write("other", "bbbb"), file);
    QVERIFY(base::stampOf(file).inode != before.inode);
  }

  void aLinkShowsItsTarget() {
    const fs::path file = write("target", "aaaa");
    const fs::path link = file.parent_path() / "link";
    fs::create_symlink(file, link);
    QVERIFY(base::stampOf(link) == base::stampOf(file));
  }

  void whatChangedJustNowIsNotSettled() {
    QVERIFY(!base::stampOf(write("new", "x")).settled());
    base::FileStamp old;
    old.modifiedNs = old.changedNs = 1'000'000'000;
    QVERIFY(old.settled());
  }

  void anAbsentFileIsNamed() {
    try {
      base::stampOf("/nowhere/at all");
      QFAIL("expected an error");
    } catch (const base::Error& error) {
      QVERIFY(error.code() == base::ErrorCode::NotFound);
      QVERIFY2(QByteArray(error.what()).contains("/nowhere/at all"), error.what());
    }
  }
};

NIB_TEST(FileStampTest)
#include "file_stamp_test.moc"
