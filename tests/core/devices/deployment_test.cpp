// SPDX-License-Identifier: Apache-2.0
#include "base/hash.hpp"
#include "deployment_case.hpp"
#include "nib_test.hpp"
#include "test_data.hpp"

#include <QtTest>

using namespace nibblesmith;
using devices::DeploymentResult;
using test::readText;
using test::TestSshd;
using test::writeText;
namespace fs = std::filesystem;

class DeploymentTest : public test::DeploymentCase {
  Q_OBJECT

private slots:
  void init() {
    if (const std::string reason = startBoard(); !reason.empty())
      QSKIP(reason.c_str());
  }
  void cleanup() { stopBoard(); }

  void probeTellsWhatTheSystemSays() {
    const devices::Probe probe = devices::probe(*m_session, m_directory, {});
    QCOMPARE(QString::fromStdString(probe.machine),
             QSysInfo::currentCpuArchitecture() == QLatin1String("arm64")
                 ? QStringLiteral("aarch64")
                 : QSysInfo::currentCpuArchitecture());
    QVERIFY(probe.kernel.starts_with("Linux "));
    QCOMPARE(probe.cores, static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN)));
    const auto pages =
        static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
    QVERIFY(probe.memoryBytes > pages / 10 * 9 && probe.memoryBytes < pages / 9 * 10);
    const fs::space_info space = fs::space(m_sshd->home());
    QVERIFY(probe.freeDiskBytes > space.available / 4 * 3 &&
            probe.freeDiskBytes < space.available / 3 * 4 + 1);
    QVERIFY(!probe.cpu.empty());
    QVERIFY(!fs::exists(remote()));
  }

  void firstDeploymentIsWhole() {
    const fs::path gguf = model(1);
    test::Recorder progress;
    const DeploymentResult result = devices::deploy(*m_session, m_directory, gguf, m_runner, {}, progress);
    QCOMPARE(result.sha256, base::sha256OfPath(gguf));
    QCOMPARE(result.remotePath, std::string("my models' place/current/model.gguf"));
    QVERIFY(result.previous.empty());
    QVERIFY(currentBytes() == readText(gguf));
    QCOMPARE(readText(remote() / "current/nsmith-runner"), std::string(test::kBoardRunner));
    QCOMPARE(fs::read_symlink(remote() / "current").string(), "versions/" + nameOf(result.version));
    QCOMPARE(nameOf(result.version).size(), size_t{12});
    const base::Json manifest = base::readJsonFile(remote() / "current/manifest.json");
    QCOMPARE(manifest["files"]["model.gguf"]["sha256"].get<std::string>(), result.sha256);
    QVERIFY(versions() == std::set<std::string>{nameOf(result.version)});
    QVERIFY(std::is_sorted(progress.fractions.begin(), progress.fractions.end()));
    QCOMPARE(progress.fractions.back(), 1.0);
  }

  void exactlyThePreviousVersionIsKept() {
    const DeploymentResult first = deploy(model(1));
    const DeploymentResult second = deploy(model(2));
    QCOMPARE(second.previous, first.version);
    const DeploymentResult third = deploy(model(3));
    QCOMPARE(third.previous, second.version);
    QVERIFY(versions() == (std::set<std::string>{nameOf(second.version), nameOf(third.version)}));
    QVERIFY(currentBytes() == readText(model(3)));
    QVERIFY(readText(remote() / "previous/model.gguf") == readText(model(2)));
  }

  void sameVersionAgainUploadsNothing() {
    deploy(model(1));
    const DeploymentResult second = deploy(model(2));
    test::Recorder progress;
    const DeploymentResult again = devices::deploy(*m_session, m_directory, model(2), m_runner, {}, progress);
    QVERIFY(!progress.said("uploading"));
    QCOMPARE(again.version, second.version);
    QCOMPARE(again.previous, second.previous);
    QCOMPARE(versions().size(), size_t{2});
    // Another runner gives another version.
    writeText(m_runner, std::string(test::kBoardRunner) + "\n", true);
    QVERIFY(deploy(model(2)).version != second.version);
  }

  void damagedInstalledVersionIsReplaced() {
    const DeploymentResult first = deploy(model(1));
    writeText(remote() / "current/model.gguf", "rotten");
    m_sshd->giveToAccount(remote());
    const DeploymentResult again = deploy(model(1));
    QCOMPARE(again.version, first.version);
    QVERIFY(currentBytes() == readText(model(1)));
    // A disk error and an edit by a person look the same.
    QCOMPARE(versions().size(), size_t{2});
    QCOMPARE(again.kept.size(), size_t{1});
    QVERIFY2(again.kept[0].ends_with("/model.gguf"), again.kept[0].c_str());
    QCOMPARE(readText(m_sshd->home() / "my models' place" / again.kept[0]), std::string("rotten"));
  }

  void rollBackSwitchesToThePreviousAndBack() {
    QVERIFY_THROWS_EXCEPTION(base::Error, devices::rollBack(*m_session, m_directory, {}));
    const DeploymentResult first = deploy(model(1));
    QVERIFY_THROWS_EXCEPTION(base::Error, devices::rollBack(*m_session, m_directory, {}));
    const DeploymentResult second = deploy(model(2));
    const DeploymentResult back = devices::rollBack(*m_session, m_directory, {});
    QCOMPARE(back.version, first.version);
    QCOMPARE(back.previous, second.version);
    QCOMPARE(back.sha256, first.sha256);
    QVERIFY(currentBytes() == readText(model(1)));
    QCOMPARE(devices::rollBack(*m_session, m_directory, {}).version, second.version);
    QVERIFY(currentBytes() == readText(model(2)));
  }

  void rollBackRefusesADamagedVersion() {
    deploy(model(1));
    deploy(model(2));
    writeText(remote() / "previous/model.gguf", "rotten");
    try {
      devices::rollBack(*m_session, m_directory, {});
      QFAIL("expected an error");
    } catch (const base::Error& error) {
      QVERIFY(error.code() == base::ErrorCode::Corrupt);
    }
    QVERIFY(currentBytes() == readText(model(2)));
  }

  void damagedPartialUploadIsRepaired() {
    const DeploymentResult first = deploy(model(1));
    test::Recorder progress;
    progress.stopAt = "uploading model2";
    QVERIFY_THROWS_EXCEPTION(base::Cancelled, devices::deploy(*m_session, m_directory, model(2), m_runner,
                                                              progress.source.get_token(), progress));
    fs::path part;
    for (const std::string& name : versions())
      if (name.ends_with(".part"))
        part = remote() / "versions" / name / "model.gguf";
    QVERIFY(fs::file_size(part) > 0);
    std::string bytes = readText(part);
    bytes[1000] = static_cast<char>(bytes[1000] ^ 1);
    writeText(part, bytes);
    const DeploymentResult second = deploy(model(2));
    QVERIFY(currentBytes() == readText(model(2)));
    QCOMPARE(second.previous, first.version);
  }

  void stoppedUploadLeavesCurrentAndIsResumed() {
    const DeploymentResult first = deploy(model(1));
    const fs::path gguf = model(2, 12'000'000);
    test::Recorder stopped;
    stopped.stopAt = "uploading model2";
    QVERIFY_THROWS_EXCEPTION(base::Cancelled, devices::deploy(*m_session, m_directory, gguf, m_runner,
                                                              stopped.source.get_token(), stopped));
    QCOMPARE(fs::read_symlink(remote() / "current").string(), "versions/" + nameOf(first.version));
    QVERIFY(currentBytes() == readText(model(1)));
    test::Recorder resumed;
    devices::deploy(*m_session, m_directory, gguf, m_runner, {}, resumed);
    QVERIFY(currentBytes() == readText(gguf));
    // The first report of the second upload already has progress.
    QVERIFY(resumed.firstFraction("uploading model2") > 0.15);
  }

  void wrongChecksumLeavesCurrent() {
    const DeploymentResult first = deploy(model(1));
    fs::remove(m_sshd->tools() / "sha256sum");
    const std::string lie(64, 'a');
    writeText(m_sshd->tools() / "sha256sum", "#!/bin/sh\necho '" + lie + "  -'\n", true);
    const QByteArray what = QByteArray::fromStdString(deployError(model(2)));
    QVERIFY2(what.contains(lie.c_str()) && what.contains(base::sha256OfPath(model(2)).c_str()),
             what.constData());
    QCOMPARE(fs::read_symlink(remote() / "current").string(), "versions/" + nameOf(first.version));
    QVERIFY(versions() == std::set<std::string>{nameOf(first.version)});
  }

  void runnerThatDoesNotStartLeavesCurrent() {
    const DeploymentResult first = deploy(model(1));
    writeText(m_runner,
              std::string("\x7f"
                          "ELF\2\1\1",
                          7) +
                  std::string(100, '\0'),
              true);
    const QByteArray what = QByteArray::fromStdString(deployError(model(1)));
    QVERIFY2(what.contains("does not start"), what.constData());
    QCOMPARE(fs::read_symlink(remote() / "current").string(), "versions/" + nameOf(first.version));
    QVERIFY(currentBytes() == readText(model(1)));
  }

  void failedSwitchLeavesCurrent() {
    const DeploymentResult first = deploy(model(1));
    for (const char* tool : {"mv", "ln"}) {
      fs::remove(m_sshd->tools() / tool);
      writeText(m_sshd->tools() / tool, "#!/bin/sh\necho 'read-only file system' >&2\nexit 1\n", true);
    }
    const QByteArray what = QByteArray::fromStdString(deployError(model(2)));
    QVERIFY2(what.contains("read-only file system"), what.constData());
    QCOMPARE(fs::read_symlink(remote() / "current").string(), "versions/" + nameOf(first.version));
    QVERIFY(currentBytes() == readText(model(1)));
  }

  void directoryThatCannotBeMadeIsNamed() {
    writeText(remote(), "a file");
    const QByteArray what = QByteArray::fromStdString(deployError(model(1)));
    QVERIFY2(what.contains("my models' place"), what.constData());
    QCOMPARE(readText(remote()), std::string("a file"));
  }

  void runnerComputesChecksumsWhereNothingElseDoes() {
    fs::remove(m_sshd->tools() / "sha256sum");
    QVERIFY(!fs::exists(m_sshd->home() / "runner-summed"));
    deploy(model(1));
    QVERIFY(fs::exists(m_sshd->home() / "runner-summed"));
    QVERIFY(currentBytes() == readText(model(1)));
  }

  void oldBusyBoxWithoutMvT() {
    fs::remove(m_sshd->tools() / "mv");
    writeText(m_sshd->tools() / "mv", "#!/bin/sh\ncase $1 in -*T*) exit 1;; esac\nexec /bin/mv \"$@\"\n",
              true);
    deploy(model(1));
    const DeploymentResult second = deploy(model(2));
    QVERIFY(currentBytes() == readText(model(2)));
    QCOMPARE(fs::read_symlink(remote() / "current").string(), "versions/" + nameOf(second.version));
  }

  void benchmarkComesBack() {
    benchmark::BenchmarkResult figures;
    figures.options = {32, 3, 1, 2};
    figures.promptMs = {10.5, 11.5};
    figures.tokenMs = {1.25, 1.5, 1.75, 2, 2.25, 2.5};
    figures.loadMs = 12;
    figures.peakRssBytes = 123456789;
    figures.weightBytes = 2'000'000;
    figures.context = {{"cpu", "Cortex-A72"}, {"threads", 4}};
    writeText(m_sshd->home() / "bench.json", benchmark::toJson(figures).dump());
    const DeploymentResult deployed = deploy(model(1));
    test::Recorder progress;
    const benchmark::BenchmarkResult result =
        devices::runRemoteBenchmark(*m_session, deployed, figures.options, {}, progress);
    QVERIFY(result.tokenMs == figures.tokenMs);
    QVERIFY(result.promptMs == figures.promptMs);
    QCOMPARE(result.peakRssBytes, figures.peakRssBytes);
    QCOMPARE(result.context["cpu"].get<std::string>(), std::string("Cortex-A72"));
    QVERIFY(progress.fractions == (std::vector<double>{0.25, 0.75}));
    QVERIFY(progress.stages == (std::vector<std::string>{"loading the model", "measuring"}));
    QCOMPARE(readText(m_sshd->home() / "bench-arguments"),
             std::string("bench model.gguf --json --progress --prompt-tokens 32 --generated-tokens 3 "
                         "--warmup 1 --repetitions 2\n"));

    fs::remove(m_sshd->home() / "bench.json");
    try {
      devices::runRemoteBenchmark(*m_session, deployed, figures.options, {}, progress);
      QFAIL("expected an error");
    } catch (const base::Error& error) {
      QVERIFY2(QByteArray(error.what()).contains("no figures today"), error.what());
    }
  }

  void realRunnerMeasuresOnTheDevice() {
    const fs::path gguf = test::sharedData("stories260K/stories260K.f32.gguf");
    const fs::path runner = test::builtFile("bin/nsmith-runner");
    NIB_REQUIRE_DATA(gguf);
    NIB_REQUIRE_DATA(runner);
    test::Recorder progress;
    const DeploymentResult deployed = devices::deploy(*m_session, m_directory, gguf, runner, {}, progress);
    const auto said = m_session->run(
        "cd " + devices::shellQuote(deployed.version) +
            " && ./nsmith-runner generate model.gguf --prompt 'Once upon a time' --max-tokens 11",
        {});
    QVERIFY2(said.output.ends_with(", there was a little girl named Lily.\n"), said.output.c_str());
    test::Recorder measuring;
    const benchmark::BenchmarkResult result =
        devices::runRemoteBenchmark(*m_session, deployed, {16, 8, 1, 3}, {}, measuring);
    QCOMPARE(result.promptMs.size(), size_t{3});
    QCOMPARE(result.tokenMs.size(), size_t{24});
    QVERIFY(result.tokensPerSecond() > 0);
    QVERIFY(result.peakRssBytes > result.weightBytes && result.weightBytes > 500'000);
    QVERIFY(measuring.said("run 3 of 3"));
    QCOMPARE(measuring.fractions.back(), 1.0);
  }

  void remoteBenchmarkCanBeCancelled() {
    const fs::path gguf = test::sharedData("stories260K/stories260K.f32.gguf");
    const fs::path runner = test::builtFile("bin/nsmith-runner");
    NIB_REQUIRE_DATA(gguf);
    NIB_REQUIRE_DATA(runner);
    test::Recorder progress;
    const DeploymentResult deployed = devices::deploy(*m_session, m_directory, gguf, runner, {}, progress);
    test::Recorder measuring;
    measuring.stopAt = "run ";
    measuring.stopAbove = 0.1;
    QVERIFY_THROWS_EXCEPTION(base::Cancelled,
                             devices::runRemoteBenchmark(*m_session, deployed, {16, 100, 0, 1000},
                                                         measuring.source.get_token(), measuring));
    // The runner on the device ends, too.
    const auto running = [&] {
      return m_session->run("for p in /proc/[0-9]*; do [ \"$(readlink $p/cwd)\" != \"$(cd " +
                                devices::shellQuote(deployed.version) + " && pwd -P)\" ] || echo $p; done",
                            {});
    };
    QTRY_VERIFY(running().output.find("/proc/") == std::string::npos);
  }
};

NIB_TEST(DeploymentTest)
#include "deployment_test.moc"
