// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "base/hash.hpp"
#include "nib_test.hpp"
#include "test_sshd.hpp"

#include <chrono>
#include <random>

#include <QtTest>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace nibblesmith;
using test::readText;
using test::TestSshd;
using test::writeText;

namespace {

std::string noise(size_t size) {
  std::mt19937_64 random(7);
  std::string text(size, '\0');
  for (char& c : text)
    c = static_cast<char>(random());
  return text;
}

class Recorder final : public base::Progress {
public:
  void report(double fraction, std::string_view) override {
    fractions.push_back(fraction);
    if (stopAt > 0 && fraction >= stopAt && !source.stop_requested()) {
      requested = std::chrono::steady_clock::now();
      source.request_stop();
    }
  }
  std::vector<double> fractions;
  double stopAt = 0;
  std::stop_source source;
  std::chrono::steady_clock::time_point requested;
};

} // namespace

class SshUploadTest : public QObject {
  Q_OBJECT

private:
  std::unique_ptr<TestSshd> m_sshd;
  std::unique_ptr<devices::SshSession> m_session;
  std::filesystem::path m_local;
  std::string m_bytes = noise(3'000'001);

  QByteArray uploadError(const std::filesystem::path& local, const std::string& remote) {
    base::NoProgress progress;
    try {
      m_session->upload(local, remote, true, {}, progress);
    } catch (const base::Error& error) {
      return error.what();
    }
    return {};
  }

private slots:
  void init() {
    m_sshd = std::make_unique<TestSshd>();
    if (!m_sshd->skipReason().empty())
      QSKIP(m_sshd->skipReason().c_str());
    m_session = m_sshd->connect();
    m_local = m_sshd->root() / "local.bin";
    writeText(m_local, m_bytes);
  }
  void cleanup() {
    m_session.reset();
    m_sshd.reset();
  }

  void bytesArrive() {
    Recorder progress;
    m_session->upload(m_local, "there.bin", true, {}, progress);
    QVERIFY(readText(m_sshd->home() / "there.bin") == m_bytes);
    QVERIFY(progress.fractions.size() > 3);
    QVERIFY(std::is_sorted(progress.fractions.begin(), progress.fractions.end()));
    QCOMPARE(progress.fractions.back(), 1.0);
  }

  void emptyFilesToo() {
    base::NoProgress progress;
    writeText(m_local, "");
    m_session->upload(m_local, "empty", true, {}, progress);
    QVERIFY(std::filesystem::exists(m_sshd->home() / "empty"));
    QCOMPARE(std::filesystem::file_size(m_sshd->home() / "empty"), uintmax_t{0});
  }

  void resumeGoesOnBehindWhatIsThere() {
    base::NoProgress progress;
    const std::filesystem::path remote = m_sshd->home() / "part";
    // Recognizable wrong bytes: they must remain, or the upload was not resumed after them.
    writeText(remote, std::string(1'000'000, 'x'));
    m_sshd->giveToAccount(remote);
    m_session->upload(m_local, "part", true, {}, progress);
    QVERIFY(readText(remote) == std::string(1'000'000, 'x') + m_bytes.substr(1'000'000));
    m_session->upload(m_local, "part", false, {}, progress);
    QVERIFY(readText(remote) == m_bytes);
    writeText(remote, m_bytes + "more");
    m_session->upload(m_local, "part", true, {}, progress);
    QVERIFY(readText(remote) == m_bytes);
  }

  void stopKeepsThePartForLater() {
    Recorder progress;
    progress.stopAt = 0.3;
    QVERIFY_THROWS_EXCEPTION(base::Cancelled,
                             m_session->upload(m_local, "cut", true, progress.source.get_token(), progress));
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - progress.requested).count();
    QVERIFY(seconds < 0.5);
    const auto size = std::filesystem::file_size(m_sshd->home() / "cut");
    QVERIFY(size >= 900'000 && size < m_bytes.size());
    base::NoProgress rest;
    m_session->upload(m_local, "cut", true, {}, rest);
    QVERIFY(readText(m_sshd->home() / "cut") == m_bytes);
  }

  void failuresNameTheRemotePath() {
    QByteArray what = uploadError(m_local, "no/such/dir/file");
    QVERIFY2(what.contains("'no/such/dir/file'") && what.contains("no such directory"), what.constData());
    std::filesystem::create_directory(m_sshd->root() / "closed");
    const std::string closed = (m_sshd->root() / "closed/file").string();
    if (::getuid() == 0) {
      what = uploadError(m_local, closed);
      QVERIFY2(what.contains(closed.c_str()) && what.contains("permission denied"), what.constData());
    }
    what = uploadError(m_sshd->root() / "absent", "file");
    QVERIFY2(what.contains("absent"), what.constData());
    // The session survives all of these errors.
    QCOMPARE(uploadError(m_local, "file"), QByteArray());
  }

  void fullDiskIsToldBeforeAndWhileWriting() {
    const std::filesystem::path huge = m_sshd->root() / "huge";
    writeText(huge, "");
    std::error_code failure;
    std::filesystem::resize_file(huge, uintmax_t{1} << 43, failure);
    if (!failure) {
      const QByteArray what = uploadError(huge, "huge");
      QVERIFY2(what.contains("'huge'") && what.contains("disk is full") && what.contains("8.00 TiB"),
               what.constData());
      QVERIFY(!std::filesystem::exists(m_sshd->home() / "huge"));
    }
    m_sshd->fillDisk(true);
    const QByteArray what = uploadError(m_local, "file");
    QVERIFY2(what.contains("'file'") && what.contains("full"), what.constData());
    QVERIFY2(what.contains("cannot write"), what.constData());
    m_sshd->fillDisk(false);
    QCOMPARE(uploadError(m_local, "file"), QByteArray());
  }

  void onlyFilesAreReplacedAndByNewOnes() {
    base::NoProgress progress;
    m_session->upload(m_local, "file", false, {}, progress);
    struct stat before {};
    struct stat after {};
    const auto path = m_sshd->home() / "file";
    // An open file keeps its inode number from being reused.
    const int held = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    QCOMPARE(::fstat(held, &before), 0);
    m_session->upload(m_local, "file", false, {}, progress);
    QCOMPARE(::stat(path.c_str(), &after), 0);
    ::close(held);
    QVERIFY(before.st_ino != after.st_ino);

    writeText(m_sshd->home() / "target", "somebody's");
    std::filesystem::create_symlink("target", m_sshd->home() / "link");
    m_sshd->giveToAccount(m_sshd->home());
    for (const char* remote : {"link", "/dev/null", "/dev"}) {
      const QByteArray what = uploadError(m_local, remote);
      QVERIFY2(what.contains("expected a file or a new name"), what.constData());
    }
    QCOMPARE(readText(m_sshd->home() / "target"), std::string("somebody's"));
  }
};

NIB_TEST(SshUploadTest)
#include "ssh_upload_test.moc"
