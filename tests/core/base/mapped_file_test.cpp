// SPDX-License-Identifier: Apache-2.0
#include "base/mapped_file.hpp"
#include "nib_test.hpp"
#include "refusal.hpp"
#include "write_bytes.hpp"

#include <QTemporaryDir>
#include <QtTest>

#include <atomic>
#include <csignal>
#include <fstream>
#include <thread>

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace nibblesmith;
using base::ErrorCode;
using base::MappedFile;
namespace fs = std::filesystem;

namespace {

uint64_t sumOf(const MappedFile& file) {
  uint64_t sum = 0;
  for (const std::byte byte : file.bytes())
    sum += std::to_integer<uint64_t>(byte);
  return sum;
}

} // namespace

class MappedFileTest : public QObject {
  Q_OBJECT

private:
  QTemporaryDir m_root;
  int m_next = 0;
  fs::path newFile(size_t size) {
    const fs::path path = fs::path(m_root.path().toStdString()) / std::to_string(m_next++);
    test::writeBytes(path, std::string(size, '\1'));
    return path;
  }

  static void expectChanged(const std::function<void()>& call, const fs::path& path) {
    const std::string wrong =
        test::check(test::refusalOf(call), ErrorCode::Io, {path.string(), "changed while it was read"});
    QVERIFY2(wrong.empty(), wrong.c_str());
  }

private slots:
  void refusesAFileOfHoles() {
    const fs::path path = fs::path(m_root.path().toStdString()) / "holes";
    test::writeBytes(path, "GGUF");
    fs::resize_file(path, 15 << 20); // small files may be what they like
    QCOMPARE(MappedFile(path).bytes().size(), size_t{15} << 20);
    fs::resize_file(path, 1 << 30);
    QCOMPARE(test::check(test::refusalOf([&] { MappedFile whole(path); }), ErrorCode::Corrupt,
                         {"holes", "1.00 GiB"}),
             std::string());
    // A thirty-second part of it on disk: compressed by the file system.
    std::ofstream(path, std::ios::in | std::ios::binary) << std::string(32 << 20, 'x');
    QCOMPARE(MappedFile(path).bytes().size(), size_t{1} << 30);
  }
  // The guard forwards other faults to the previous handler; Qt Test's would start a debugger.
  void initTestCase() { std::signal(SIGBUS, SIG_DFL); }

  void bytesOutliveTheName() {
    const fs::path path = newFile(3);
    const MappedFile file(path);
    fs::remove(path);
    QCOMPARE(sumOf(file), uint64_t{3});
    file.requireUnchanged();
    file.releasePages();
    QCOMPARE(sumOf(file), uint64_t{3});
  }

  void emptyFile() {
    const MappedFile file(newFile(0));
    QVERIFY(file.bytes().empty());
    file.requireUnchanged();
    file.releasePages();
  }

  // Without the guard, the first read past the file's new end kills the program.
  void cutShortWhileMapped() {
    const fs::path path = newFile(1'000'000);
    const MappedFile file(path);
    fs::resize_file(path, 10'000);
    const uint64_t sum = sumOf(file);
    QVERIFY2(sum <= 10'000, qPrintable(QString::number(sum))); // the rest is zeros
    expectChanged([&] { file.requireUnchanged(); }, path);
    expectChanged([&] { file.releasePages(); }, path);
    // The missing pages stay zeros and the fault stays recorded when the file grows again.
    test::writeBytes(path, std::string(1'000'000, '\1'));
    QVERIFY(sumOf(file) < 1'000'000);
    QVERIFY(test::refusalOf([&] { file.requireUnchanged(); }));
  }

  void cutShortWithinAPage() {
    const fs::path path = newFile(100);
    const MappedFile file(path);
    fs::resize_file(path, 99);
    QCOMPARE(sumOf(file), uint64_t{99}); // no fault: only the size has changed
    expectChanged([&] { file.requireUnchanged(); }, path);
  }

  void writtenToInPlace() {
    const fs::path path = newFile(100);
    fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(1));
    const MappedFile file(path);
    std::fstream(path, std::ios::in | std::ios::out | std::ios::binary) << "other";
    expectChanged([&] { file.requireUnchanged(); }, path);
  }

  // Many threads fault in many files while guards are created and destroyed.
  void manyThreads() {
    std::vector<std::thread> threads;
    std::atomic<int> noticed = 0;
    constexpr int kThreads = 8;
    constexpr int kRounds = 30;
    for (int t = 0; t < kThreads; ++t) {
      const fs::path path = newFile(300'000);
      threads.emplace_back([path, &noticed] {
        for (int round = 0; round < kRounds; ++round) {
          test::writeBytes(path, std::string(300'000, '\1'));
          const MappedFile whole(path);
          fs::resize_file(path, 20'000);
          const MappedFile part(path);
          const bool isRight = sumOf(whole) <= 20'000 && sumOf(part) == 20'000;
          if (isRight && test::refusalOf([&] { whole.requireUnchanged(); }) &&
              !test::refusalOf([&] { part.requireUnchanged(); }))
            ++noticed;
        }
      });
    }
    for (std::thread& thread : threads)
      thread.join();
    QCOMPARE(noticed.load(), kThreads * kRounds);
  }

  // A fault in memory outside any MappedFile still terminates the program with SIGBUS.
  void otherFaultsAreNotHidden() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    QSKIP("the sanitizer has its own way to end the program");
#endif
    const MappedFile guarded(newFile(10));
    const fs::path path = newFile(100'000);
    const base::InputFile file(path);
    const pid_t child = ::fork();
    if (child == 0) {
      const rlimit none{0, 0};
      ::setrlimit(RLIMIT_CORE, &none);
      const auto* bytes = static_cast<const volatile char*>(
          ::mmap(nullptr, 100'000, PROT_READ, MAP_PRIVATE, file.descriptor(), 0));
      fs::resize_file(path, 10);
      ::_exit(bytes[50'000]);
    }
    int status = 0;
    QCOMPARE(::waitpid(child, &status, 0), child);
    QVERIFY(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
  }
};

NIB_TEST(MappedFileTest)
#include "mapped_file_test.moc"
