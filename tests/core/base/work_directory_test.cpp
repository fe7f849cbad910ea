// SPDX-License-Identifier: Apache-2.0
#include "base/work_directory.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "nib_test.hpp"
#include "processes.hpp"

#include <QTemporaryDir>
#include <QtTest>

#include <fcntl.h>
#include <sys/stat.h>

using namespace nibblesmith;
using base::WorkDirectory;
namespace fs = std::filesystem;

class WorkDirectoryTest : public QObject {
  Q_OBJECT

  std::unique_ptr<QTemporaryDir> m_root;
  fs::path root() const { return m_root->path().toStdString(); }
  fs::path directory() const { return root() / "x.partial"; }
  bool exists(const std::string& name) const { return fs::exists(fs::symlink_status(directory() / name)); }
  std::string text(const std::string& name) const { return base::readTextFile(directory() / name); }

  QByteArray refusal(const fs::path& path) const {
    try {
      const WorkDirectory work(path, "second");
    } catch (const base::Error& error) {
      return error.what();
    }
    return {};
  }

private slots:
  void init() { m_root = std::make_unique<QTemporaryDir>(); }

  void whatWasWrittenGoes() {
    WorkDirectory work(directory(), "test");
    work.write("a", "first");
    work.write("a", "second");
    work.makeDirectory("part");
    work.write("part/b", "text");
    QCOMPARE(text("a"), std::string("second"));
    QCOMPARE(text("part/b"), std::string("text"));
    QCOMPARE(work.written().at("part/b"), (base::WrittenFile{"part/b", 4, base::sha256("text")}));
    QCOMPARE(work.written().at("a").sha256, base::sha256("second"));
    QVERIFY(work.remove().empty());
    QVERIFY(work.remove().empty());
    QVERIFY(!fs::exists(directory()));
  }

  void anEditedJournalRemovesNothingElse() {
    { WorkDirectory(directory(), "test").write("a", "ours"); }
    base::writeFileAtomically(directory() / "mine.txt", "mine");
    const std::string journal = text("nibblesmith-work.jsonl");
    base::writeFileAtomically(directory() / "nibblesmith-work.jsonl",
                              journal + "{\"temporary\":\"mine.txt\"}\n");
    QCOMPARE(WorkDirectory(directory(), "test").remove().text(), std::string("'mine.txt'"));
    QCOMPARE(text("mine.txt"), std::string("mine"));
  }

  void whatWasNotWrittenStays() {
    {
      WorkDirectory work(directory(), "test");
      work.write("a", "ours");
      work.makeDirectory("part");
      base::writeFileAtomically(directory() / "photos/1.jpg", "a photo");
      base::writeFileAtomically(directory() / "part/2.jpg", "a photo");
      base::writeFileAtomically(directory() / "a", "changed by somebody");
      const base::ForeignEntries kept = work.remove();
      QCOMPARE(kept.text(), std::string("'a', 'part/2.jpg', 'photos/'"));
      const std::string told = base::describeKept(directory(), kept);
      QVERIFY2(told.find("x.partial' stays") != std::string::npos, told.c_str());
    }
    QCOMPARE(text("photos/1.jpg"), std::string("a photo"));
    QCOMPARE(text("a"), std::string("changed by somebody"));
    // The directory is still owned; foreign entries are still foreign.
    WorkDirectory again(directory(), "test");
    again.write("a", "ours again");
    QCOMPARE(text("a.kept-1"), std::string("changed by somebody"));
    QCOMPARE(again.remove().count, size_t{3});
    QVERIFY(!exists("a"));
  }

  void foreignPlacesAreRefused() {
    base::writeFileAtomically(directory() / "photo.jpg", "a photo");
    QByteArray told = refusal(directory());
    QVERIFY2(told.contains("'photo.jpg'") && told.contains("x.partial"), told.constData());
    QCOMPARE(std::distance(fs::directory_iterator(directory()), fs::directory_iterator()), std::ptrdiff_t{1});
    // The name of the journal alone does not make the directory owned.
    for (const char* journal : {"notes", "{}", R"({"schema": 1, "kind": "Nibblesmith work directory"})"}) {
      base::writeFileAtomically(directory() / "nibblesmith-work.jsonl", journal);
      QVERIFY(!refusal(directory()).isEmpty());
      QCOMPARE(text("nibblesmith-work.jsonl"), std::string(journal));
    }
    base::writeFileAtomically(root() / "only/nibblesmith-work.jsonl", "my notes");
    QVERIFY(!refusal(root() / "only").isEmpty());
    base::writeFileAtomically(root() / "locked/nibblesmith-work.lock", "my notes");
    QVERIFY(!refusal(root() / "locked").isEmpty());
    QCOMPARE(base::readTextFile(root() / "locked/nibblesmith-work.lock"), std::string("my notes"));
    QVERIFY(!fs::exists(root() / "locked/nibblesmith-work.jsonl"));
    base::writeFileAtomically(root() / "file", "a file");
    QVERIFY2(refusal(root() / "file").contains("a regular file"), refusal(root() / "file").constData());
  }

  void linksAreRefused() {
    fs::create_directories(root() / "elsewhere");
    fs::create_directory_symlink(root() / "elsewhere", directory());
    QVERIFY2(refusal(directory()).contains("a symbolic link"), refusal(directory()).constData());
    QVERIFY(fs::is_empty(root() / "elsewhere"));
    fs::create_symlink("nowhere", root() / "dangling");
    QVERIFY(refusal(root() / "dangling").contains("a symbolic link"));
  }

  void anEmptyDirectoryOfSomebodyStays() {
    fs::create_directories(directory());
    WorkDirectory work(directory(), "test");
    work.write("a", "text");
    QVERIFY(work.remove().empty());
    QVERIFY(fs::is_empty(directory()));
  }

  void foreignFilesInTheWayAreMovedAside() {
    WorkDirectory work(directory(), "test");
    base::writeFileAtomically(directory() / "a", "somebody's");
    QCOMPARE(::mkfifo((directory() / "b").c_str(), 0600), 0);
    base::writeFileAtomically(root() / "target", "behind a link");
    fs::create_symlink(root() / "target", directory() / "c");
    base::writeFileAtomically(directory() / "part/photo.jpg", "a photo");
    work.makeDirectory("part");
    for (const char* name : {"a", "b", "c", "part/d"})
      work.write(name, "ours");
    QCOMPARE(text("a"), std::string("ours"));
    QCOMPARE(text("a.kept-1"), std::string("somebody's"));
    QCOMPARE(text("part.kept-1/photo.jpg"), std::string("a photo"));
    QVERIFY(exists("b.kept-1") && fs::is_symlink(directory() / "c.kept-1"));
    QCOMPARE(base::readTextFile(root() / "target"), std::string("behind a link"));
    {
      // So is an entry that appears during writing.
      base::AtomicFile file = work.create("late");
      base::writeFileAtomically(directory() / "late", "somebody's");
      file.commit();
    }
    QCOMPARE(text("late.kept-1"), std::string("somebody's"));
    QCOMPARE(work.remove().count, size_t{5});
  }

  void theSecondIsToldOfTheFirst() {
    WorkDirectory first(directory(), "quantizing SmolLM2");
    const QByteArray told = refusal(directory());
    QVERIFY2(told.contains("x.partial") && told.contains("quantizing SmolLM2") &&
                 told.contains(QByteArray::number(::getpid())),
             told.constData());
    first.write("a", "text");
    QVERIFY(first.remove().empty());
    QCOMPARE(refusal(directory()), QByteArray());
  }

  /// A child is killed at every step of its work; the next process knows all remaining files.
  void whatAKilledProcessLeftIsOurs_data() {
    QTest::addColumn<int>("steps");
    for (int steps = 0; steps < 7; ++steps)
      QTest::newRow(qPrintable(QString::number(steps))) << steps;
  }
  void whatAKilledProcessLeftIsOurs() {
    QFETCH(int, steps);
    const test::Gate gate;
    const pid_t child = test::inChild([&] {
      int left = steps;
      const auto step = [&] {
        if (left-- == 0) {
          gate.open();
          ::pause();
        }
      };
      WorkDirectory work(directory(), "to be killed");
      step();
      work.write("a", "one");
      step();
      {
        base::AtomicFile file = work.create("b");
        step();
        file.write(std::string(100'000, 'x'));
        step();
        file.commit();
      }
      work.makeDirectory("part");
      step();
      base::AtomicFile file = work.create("part/c");
      file.write("half of it");
      step();
      work.expectFile({"moved", 5, base::sha256("moved")});
      base::writeFileAtomically(directory() / "moved", "moved");
      step();
    });
    gate.wait();
    QVERIFY(!refusal(directory()).isEmpty());
    ::kill(child, SIGKILL);
    QCOMPARE(test::statusOf(child), 128 + SIGKILL);
    WorkDirectory next(directory(), "next");
    QCOMPARE(exists("a"), steps >= 1);
    QVERIFY(next.clear().empty());
    next.write("a", "two");
    QVERIFY(next.remove().empty());
    QVERIFY(!fs::exists(directory()));
  }

  void tornJournalsAreRead() {
    {
      WorkDirectory work(directory(), "test");
      work.write("a", "one");
    }
    const fs::path journal = directory() / "nibblesmith-work.jsonl";
    base::writeFileAtomically(journal,
                              base::readTextFile(journal) + "\xff{]\n" + R"({"file": "..", "sizeBytes")");
    {
      WorkDirectory work(directory(), "test");
      work.write("b", "two");
    }
    WorkDirectory work(directory(), "test");
    QVERIFY(work.remove().empty());
    QVERIFY(!fs::exists(directory()));
    // Killed between the first two system calls.
    fs::create_directories(directory());
    base::writeFileAtomically(journal, "");
    QCOMPARE(refusal(directory()), QByteArray());
  }

  void manyBeginAtOnce() {
    constexpr int kProcesses = 8;
    const test::Gate start;
    std::vector<pid_t> children;
    for (int i = 0; i < kProcesses; ++i)
      children.push_back(test::inChild([&] {
        for (int turn = 0; turn < 50; ++turn)
          try {
            WorkDirectory work(directory(), "one of many");
            work.write("a", std::string(1000, 'x'));
            if (text("a").size() != 1000 || !work.remove().empty())
              ::_exit(3);
          } catch (const base::Error& error) {
            if (std::string_view(error.what()).find("in use by") == std::string_view::npos) {
              qWarning("%s", error.what());
              ::_exit(4);
            }
          }
      }));
    for (const pid_t child : children)
      QCOMPARE(test::statusOf(child), 0);
  }
};

NIB_TEST(WorkDirectoryTest)
#include "work_directory_test.moc"
