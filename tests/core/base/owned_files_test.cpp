// SPDX-License-Identifier: Apache-2.0
#include "base/owned_files.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "nib_test.hpp"

#include <QTemporaryDir>
#include <QtTest>

#include <fcntl.h>
#include <sys/stat.h>

using namespace nibblesmith;
using base::ForeignEntries;
using base::OwnedFiles;
namespace fs = std::filesystem;

class OwnedFilesTest : public QObject {
  Q_OBJECT

  std::unique_ptr<QTemporaryDir> m_root;
  fs::path root() const { return m_root->path().toStdString(); }
  fs::path directory() const { return root() / "directory"; }

  void put(const std::string& name, const std::string& text) const {
    base::writeFileAtomically(directory() / name, text);
  }
  static base::WrittenFile file(const std::string& name, const std::string& text) {
    return {name, text.size(), base::sha256(text)};
  }
  ForeignEntries remove(const OwnedFiles& list) const {
    const int open = ::open(directory().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const ForeignEntries kept = list.remove(open, directory(), {});
    ::close(open);
    return kept;
  }
  bool exists(const std::string& name) const { return fs::exists(fs::symlink_status(directory() / name)); }

private slots:
  void init() {
    m_root = std::make_unique<QTemporaryDir>();
    fs::create_directories(directory());
  }

  void onlyWhatIsListedGoes() {
    put("a", "ours");
    put("part/b", "ours too");
    put("photo.jpg", "a photo");
    put("part/notes", "notes");
    put("photos/summer/1.jpg", "another");
    OwnedFiles list;
    QVERIFY(list.add(file("a", "ours")));
    QVERIFY(list.add(file("part/b", "ours too")));
    QVERIFY(list.add(file("never there", "x")));
    const ForeignEntries kept = remove(list);
    QCOMPARE(kept.count, size_t{3});
    QCOMPARE(kept.text(), std::string("'part/notes', 'photo.jpg', 'photos/'"));
    QVERIFY(!exists("a") && !exists("part/b"));
    QVERIFY(exists("photo.jpg") && exists("part/notes") && exists("photos/summer/1.jpg"));
    QVERIFY(!list.foreign(directory(), OwnedFiles::Check::Names, {}).empty());
    fs::remove(directory() / "part/notes");
    remove(list);
    QVERIFY(!exists("part")); // it contained a listed file
  }

  void changedFilesStay() {
    put("size", "something longer");
    put("same size", "OURS");
    OwnedFiles list;
    list.add(file("size", "something"));
    list.add(file("same size", "ours"));
    QVERIFY(list.foreign(directory(), OwnedFiles::Check::Names, {}).empty());
    QCOMPARE(list.foreign(directory(), OwnedFiles::Check::Contents, {}).count, size_t{2});
    QCOMPARE(remove(list).count, size_t{2});
    QVERIFY(exists("size") && exists("same size"));
    list.add(file("same size", "OURS")); // two contents for one name
    QCOMPARE(remove(list).names, std::vector<std::string>{"size"});
    QVERIFY(!exists("same size"));
  }

  /// Links, pipes and devices with a listed name are foreign, and so are the targets of links.
  void linksAreNotFollowed() {
    base::writeFileAtomically(root() / "outside/a", "ours");
    base::writeFileAtomically(root() / "outside/model", "ours");
    fs::create_symlink(root() / "outside/a", directory() / "a");
    fs::create_directory_symlink(root() / "outside", directory() / "part");
    QCOMPARE(::mkfifo((directory() / "pipe").c_str(), 0600), 0);
    fs::create_directories(directory() / "d");
    const std::string pipe = ".writing-" + std::string(32, 'a'), link = ".writing-" + std::string(32, 'b');
    QCOMPARE(::mkfifo((directory() / pipe).c_str(), 0600), 0);
    fs::create_symlink(root() / "outside/a", directory() / link);
    OwnedFiles list;
    for (const char* name : {"a", "part/a", "part/model", "pipe", "d"})
      list.add(file(name, "ours"));
    list.addDirectory("part");
    QVERIFY(list.addTemporary(pipe) && list.addTemporary(link));
    const ForeignEntries kept = remove(list);
    QCOMPARE(kept.text(), "'" + pipe + "', '" + link + "', 'a', 'd/', 'part' and 1 more");
    QVERIFY(exists(pipe) && exists(link) && exists("a") && exists("part") && exists("pipe") && exists("d"));
    QVERIFY(fs::exists(root() / "outside/a") && fs::exists(root() / "outside/model"));
  }

  /// A list may have been edited: a temporary file's content is unknown, so its name alone decides.
  void onlyOwnNamesAreTemporary() {
    put("mine.txt", "mine");
    OwnedFiles list;
    const std::string digits(32, '7');
    for (const std::string& name :
         {std::string("mine.txt"), std::string(".writing-"), ".writing-" + digits + "0",
          ".writing-" + digits + "/a", ".writing-" + digits.substr(1) + "x", "writing-" + digits,
          "../.writing-" + digits})
      QVERIFY2(!list.addTemporary(name), name.c_str());
    QVERIFY(list.addTemporary(".writing-" + digits) && list.addTemporary("part/.writing-" + digits));
    QVERIFY(list.addTemporary(base::temporaryFileName()));
    QCOMPARE(remove(list).text(), std::string("'mine.txt'"));
    QVERIFY(exists("mine.txt"));
  }

  void namesThatLeadOutAreNotTaken() {
    OwnedFiles list;
    for (const char* name : {"", "/etc/passwd", "../a", "a/../../b", "a//b", ".", "a/", "./a"})
      QVERIFY2(!list.add(file(name, "x")), name);
    QVERIFY(list.add(file("..a", "x")));
  }

  void aMessageNamesAFew() {
    for (int i = 0; i < 100; ++i)
      put("file" + std::to_string(100 + i), "x");
    const ForeignEntries found = OwnedFiles().foreign(directory(), OwnedFiles::Check::Names, {});
    QCOMPARE(found.count, size_t{100});
    QCOMPARE(found.text(), std::string("'file100', 'file101', 'file102', 'file103', 'file104' and 95 more"));
  }

  void aStopIsHeard() {
    put("a", "ours");
    OwnedFiles list;
    list.add(file("a", "ours"));
    std::stop_source source;
    source.request_stop();
    QVERIFY_THROWS_EXCEPTION(base::Cancelled,
                             list.foreign(directory(), OwnedFiles::Check::Contents, source.get_token()));
  }
};

NIB_TEST(OwnedFilesTest)
#include "owned_files_test.moc"
