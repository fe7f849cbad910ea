// SPDX-License-Identifier: Apache-2.0
// What is on a board and was not put there by a deployment stays there.
#include "deployment_case.hpp"
#include "nib_test.hpp"
#include "processes.hpp"

#include <QtTest>

#include <fcntl.h>
#include <sys/stat.h>

using namespace nibblesmith;
using devices::DeploymentResult;
using test::readText;
using test::writeText;
namespace fs = std::filesystem;

namespace {

/// Progress that kills its own process when a given stage begins.
class KillAt final : public base::Progress {
public:
  explicit KillAt(std::string stage) : m_stage(std::move(stage)) {}
  void report(double, std::string_view stage) override {
    if (stage.find(m_stage) != std::string_view::npos)
      ::raise(SIGKILL);
  }

private:
  std::string m_stage;
};

} // namespace

class DeploymentOwnershipTest : public test::DeploymentCase {
  Q_OBJECT

  void put(const fs::path& path, const std::string& text) const {
    fs::create_directories(path.parent_path());
    writeText(path, text);
    m_sshd->giveToAccount(m_sshd->home());
  }
  bool isKept(const DeploymentResult& result, const std::string& name) const {
    return std::find(result.kept.begin(), result.kept.end(), name) != result.kept.end();
  }

private slots:
  void init() {
    if (const std::string reason = startBoard(); !reason.empty())
      QSKIP(reason.c_str());
  }
  void cleanup() { stopBoard(); }

  void foreignThingsStayAndAreNamed() {
    const std::vector<std::string> foreign = {"versions/photos/1.jpg",
                                              "versions/notes.txt",
                                              "versions/.hidden",
                                              "versions/0123456789ab/model.gguf",
                                              "versions/.0123456789ab.part/model.gguf",
                                              "versions/.0123456789ab.old/x",
                                              "versions/ab0123456789/manifest.json",
                                              "versions/it's a name\nwith a line end",
                                              "notes.txt",
                                              ".current.tmp"};
    for (const std::string& name : foreign)
      put(remote() / name, "somebody's");
    put(m_sshd->home() / "outside/model.gguf", "somebody's");
    fs::create_directory_symlink(m_sshd->home() / "outside", remote() / "versions/abcdefabcdef");
    DeploymentResult last;
    for (const unsigned seed : {1u, 2u, 3u, 4u})
      last = deploy(model(seed));
    for (const std::string& name : foreign)
      QCOMPARE(readText(remote() / name), std::string("somebody's"));
    QVERIFY(fs::is_symlink(remote() / "versions/abcdefabcdef"));
    QCOMPARE(readText(m_sshd->home() / "outside/model.gguf"), std::string("somebody's"));
    for (const char* name : {"versions/photos", "versions/notes.txt", "versions/.hidden",
                             "versions/0123456789ab", "versions/.0123456789ab.part", "versions/ab0123456789",
                             "versions/abcdefabcdef", "1 more in versions"})
      QVERIFY2(isKept(last, name), name);
    // Of the owned versions, the current and the previous one.
    QVERIFY(versions().contains(nameOf(last.version)) && versions().contains(nameOf(last.previous)));
    QCOMPARE(versions().size(), size_t{9 + 2});
  }

  /// A copy contains a manifest of this program, but is its owner's.
  void copiesOfVersionsStay() {
    const std::string version = nameOf(deploy(model(1)).version);
    const std::vector<std::string> names = {"0123456789ab", version + ".kept-backup",
                                            "." + version + ".mine.part",
                                            "0123456789ab.kept-" + std::string(32, '0')};
    for (const std::string& name : names)
      fs::copy(remote() / "versions" / version, remote() / "versions" / name);
    m_sshd->giveToAccount(m_sshd->home());
    deploy(model(2));
    deploy(model(3));
    const DeploymentResult last = deploy(model(4));
    QVERIFY(!fs::exists(remote() / "versions" / version));
    for (const std::string& name : names) {
      QVERIFY2(readText(remote() / "versions" / name / "model.gguf") == readText(model(1)), name.c_str());
      QVERIFY2(isKept(last, "versions/" + name), name.c_str());
    }
  }

  /// Another model of the same size is not the version's.
  void changedFilesOfTheSameSizeStay() {
    const std::string first = nameOf(deploy(model(1)).version);
    const fs::path file = remote() / "versions" / first / "model.gguf";
    put(file, readText(model(9)));
    deploy(model(2));
    const DeploymentResult third = deploy(model(3));
    QVERIFY(isKept(third, "versions/" + first + "/model.gguf"));
    QVERIFY(readText(file) == readText(model(9)));
    QVERIFY(!fs::exists(file.parent_path() / "nsmith-runner"));
  }

  void foreignFilesInOldVersionsStay() {
    const std::string first = nameOf(deploy(model(1)).version);
    const fs::path directory = remote() / "versions" / first;
    put(directory / "photo.jpg", "a photo");
    put(m_sshd->home() / "outside/model.gguf", "somebody's");
    fs::remove(directory / "model.gguf");
    fs::create_symlink(m_sshd->home() / "outside/model.gguf", directory / "model.gguf");
    deploy(model(2));
    const DeploymentResult third = deploy(model(3));
    QVERIFY2(isKept(third, "versions/" + first + "/photo.jpg"), "the photo is not named");
    QVERIFY2(isKept(third, "versions/" + first + "/model.gguf"), "the link is not named");
    QCOMPARE(readText(directory / "photo.jpg"), std::string("a photo"));
    QCOMPARE(readText(directory / "model.gguf"), std::string("somebody's"));
    QVERIFY(!fs::exists(directory / "nsmith-runner"));
    // It is still known as owned: once the foreign files are gone, so is the directory.
    fs::remove(directory / "photo.jpg");
    fs::remove(directory / "model.gguf");
    QVERIFY(deploy(model(4)).kept.empty());
    QVERIFY(!fs::exists(directory));
  }

  void foreignDirectoriesAreRefused_data() {
    QTest::addColumn<QString>("name");
    QTest::addColumn<QString>("target");
    QTest::newRow("versions through a link") << "versions"
                                             << "../outside";
    QTest::newRow("current of another program") << "current"
                                                << "releases/5";
    QTest::newRow("link out") << "previous"
                              << "versions/../../outside";
    QTest::newRow("directory") << "current" << QString();
  }
  void foreignDirectoriesAreRefused() {
    QFETCH(QString, name);
    QFETCH(QString, target);
    put(m_sshd->home() / "outside/0123456789ab/model.gguf", "somebody's");
    fs::create_directories(remote());
    const fs::path path = remote() / name.toStdString();
    if (target.isEmpty())
      put(path / "file", "somebody's");
    else
      fs::create_directory_symlink(target.toStdString(), path);
    m_sshd->giveToAccount(remote());
    const std::string told = deployError(model(1));
    QVERIFY2(told.find("/" + name.toStdString() + "' on the device: expected") != std::string::npos,
             told.c_str());
    QCOMPARE(readText(m_sshd->home() / "outside/0123456789ab/model.gguf"), std::string("somebody's"));
    QCOMPARE(std::distance(fs::directory_iterator(m_sshd->home() / "outside"), fs::directory_iterator()),
             std::ptrdiff_t{1});
    if (target.isEmpty())
      QCOMPARE(readText(path / "file"), std::string("somebody's"));
    else
      QCOMPARE(fs::read_symlink(path).string(), target.toStdString());
  }

  void aForeignVersionMakesWay() {
    const std::string version = nameOf(deploy(model(1)).version);
    fs::remove_all(remote());
    put(remote() / "versions" / version / "photo.jpg", "a photo");
    const DeploymentResult result = deploy(model(1));
    QVERIFY(currentBytes() == readText(model(1)));
    QCOMPARE(result.kept.size(), size_t{1});
    QCOMPARE(readText(remote() / result.kept[0] / "photo.jpg"), std::string("a photo"));
  }

  /// Killed at any step, the current version stays, and the next deployment cleans up.
  void aKilledDeploymentLeavesCurrent_data() {
    QTest::addColumn<QString>("stage");
    for (const char* stage : {"uploading nsmith-runner", "uploading model2", "checking on the device",
                              "starting the runner once", "switching", "deployed"})
      QTest::newRow(stage) << stage;
  }
  void aKilledDeploymentLeavesCurrent() {
    QFETCH(QString, stage);
    const std::string first = nameOf(deploy(model(1)).version);
    const fs::path second = model(2);
    const pid_t child = test::inChild([&] {
      KillAt progress(stage.toStdString());
      const auto session = m_sshd->connect();
      devices::deploy(*session, m_directory, second, m_runner, {}, progress);
    });
    QCOMPARE(test::statusOf(child), 128 + SIGKILL);
    const bool done = stage == "deployed";
    QVERIFY(currentBytes() == readText(done ? second : model(1)));
    QElapsedTimer timer;
    timer.start();
    const DeploymentResult third = deploy(model(3));
    // A lock of an ended process on this machine is not waited for.
    QVERIFY(timer.elapsed() < 20'000);
    QCOMPARE(nameOf(third.previous) == first, !done);
    QCOMPARE(third.kept.size(), size_t{0});
    QVERIFY(versions() == (std::set<std::string>{nameOf(third.version), nameOf(third.previous)}));
    QVERIFY(!fs::exists(remote() / ".nibblesmith-lock"));
  }

  /// A broken connection may still have the runner open for writing, in which case it cannot be executed.
  void anUploadIsANewFile() {
    deploy(model(1));
    test::Recorder stopped;
    stopped.stopAt = "uploading model2";
    QVERIFY_THROWS_EXCEPTION(base::Cancelled, devices::deploy(*m_session, m_directory, model(2), m_runner,
                                                              stopped.source.get_token(), stopped));
    fs::path part;
    for (const std::string& name : versions())
      if (name.ends_with(".part"))
        part = remote() / "versions" / name;
    QVERIFY(fs::exists(part / "nsmith-runner"));
    const int held = ::open((part / "nsmith-runner").c_str(), O_WRONLY | O_CLOEXEC);
    QVERIFY(held >= 0);
    const std::string told = deployError(model(2));
    ::close(held);
    QVERIFY2(told.empty(), told.c_str());
    QVERIFY(currentBytes() == readText(model(2)));
  }
};

NIB_TEST(DeploymentOwnershipTest)
#include "deployment_ownership_test.moc"
