// SPDX-License-Identifier: Apache-2.0
#include "export/output_check.hpp"

#include "base/error.hpp"
#include "nib_test.hpp"

#include <fstream>
#include <functional>

#include <QTemporaryDir>
#include <QTest>

#include <sys/stat.h>

using namespace nibblesmith;
namespace fs = std::filesystem;

class OutputCheckTest : public QObject {
  Q_OBJECT

  std::unique_ptr<QTemporaryDir> m_folder;

  fs::path root() const { return m_folder->path().toStdString(); }
  static void write(const fs::path& file, const std::string& text) {
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  /// Returns all entries below the folder, to check that nothing is left behind.
  std::vector<fs::path> everything() const {
    std::vector<fs::path> paths;
    for (const auto& entry : fs::recursive_directory_iterator(root()))
      paths.push_back(entry.path());
    return paths;
  }
  static QByteArray refusal(base::ErrorCode code, const std::function<void()>& check) {
    try {
      check();
    } catch (const base::Error& error) {
      return error.code() == code ? QByteArray(error.what()) : QByteArray("another code: ") + error.what();
    }
    return "accepted";
  }
  QByteArray artifactRefusal(const fs::path& directory, bool replace) const {
    return refusal(base::ErrorCode::InvalidArgument,
                   [&] { exporting::checkArtifactOutput(directory, replace); });
  }
  QByteArray fileRefusal(const fs::path& file, bool replace) const {
    return refusal(base::ErrorCode::InvalidArgument, [&] { exporting::checkFileOutput(file, replace); });
  }

private slots:
  void init() { m_folder = std::make_unique<QTemporaryDir>(); }

  void newAndEmptyDirectoriesAreGood() {
    fs::create_directories(root() / "empty");
    QCOMPARE(artifactRefusal(root() / "new/deep", false), QByteArray("accepted"));
    QCOMPARE(artifactRefusal(root() / "empty", false), QByteArray("accepted"));
    QCOMPARE(everything().size(), size_t{1});
  }

  void anArtifactIsReplacedOnlyWhereThatIsAskedFor() {
    write(
        root() / "rtn/nibblesmith.json",
        R"({"schema": 1, "kind": "artifact", "files": {}, "source": {"name": "tiny", "sha256": "", "bytes": 1},
              "recipe": {"name": "RTN 4-bit"}})");
    const QByteArray told = artifactRefusal(root() / "rtn", false);
    QVERIFY2(told.contains("/rtn'") && told.contains("'RTN 4-bit'") && told.contains("--replace"),
             told.constData());
    QCOMPARE(artifactRefusal(root() / "rtn", true), QByteArray("accepted"));
    // With a damaged list the owner of the files is unknown.
    write(root() / "broken/nibblesmith.json", "{");
    QVERIFY(artifactRefusal(root() / "broken", true).contains("is no artifact"));
  }

  void whatIsNoArtifactIsNeverReplaced() {
    write(root() / "photos/holiday.jpg", "x");
    write(root() / "file", "x");
    QCOMPARE(::mkfifo((root() / "fifo").c_str(), 0600), 0);
    for (const char* name : {"photos", "file", "fifo"}) {
      const QByteArray told = artifactRefusal(root() / name, true);
      QVERIFY2(told.contains(name) && told.contains("expected"), told.constData());
    }
    QVERIFY(fs::exists(root() / "photos/holiday.jpg"));
  }

  void filesToWrite() {
    write(root() / "there.gguf", "x");
    fs::create_directories(root() / "folder.gguf");
    QCOMPARE(::mkfifo((root() / "fifo.gguf").c_str(), 0600), 0);
    QCOMPARE(fileRefusal(root() / "new.gguf", false), QByteArray("accepted"));
    QVERIFY(fileRefusal(root() / "there.gguf", false).contains("--replace"));
    QCOMPARE(fileRefusal(root() / "there.gguf", true), QByteArray("accepted"));
    QVERIFY(fileRefusal(root() / "folder.gguf", true).contains("is a directory"));
    QVERIFY(fileRefusal(root() / "fifo.gguf", true).contains("named pipe"));
    QVERIFY(fileRefusal("", true).contains("expected a path"));
  }

  void placesThatCannotBeWrittenTo() {
    exporting::checkWritablePlace(root() / "a/b/c");
    QVERIFY(everything().empty());
    const QByteArray told =
        refusal(base::ErrorCode::Io, [] { exporting::checkWritablePlace("/proc/nowhere/artifact"); });
    QVERIFY2(told.contains("'/proc/nowhere/artifact' cannot be made, as '/proc'"), told.constData());
  }

  void tooLittleSpace() {
    const uint64_t free = fs::space(root()).available;
    exporting::checkSpace(root() / "new/artifact", 4096, "the artifact");
    const QByteArray told = refusal(base::ErrorCode::Io, [&] {
      exporting::checkSpace(root() / "new/artifact", 2 * free, "the artifact");
    });
    QVERIFY2(told.contains("too little space") && told.contains("the artifact") && told.contains("free:"),
             told.constData());
    QVERIFY(everything().empty());
  }
};

NIB_TEST(OutputCheckTest)
#include "output_check_test.moc"
