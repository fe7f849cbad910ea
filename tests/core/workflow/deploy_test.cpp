// SPDX-License-Identifier: Apache-2.0
#include "base/file_stamp.hpp"
#include "base/hash.hpp"
#include "nib_test.hpp"
#include "test_data.hpp"
#include "test_sshd.hpp"
#include "workflow/deploy.hpp"
#include "workflow/deployed_versions.hpp"
#include "workflow/export.hpp"
#include "workflow/services.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <thread>

#include <QtTest>

using namespace nibblesmith;
using experiments::DeploymentRow;
using experiments::ExperimentLog;
using experiments::RunKind;
using experiments::RunRow;
using experiments::RunStatus;
using test::TestSshd;
namespace fs = std::filesystem;

namespace {

class StopWhileUploading final : public base::Progress {
public:
  void report(double, std::string_view stage) override {
    if (stage.find("uploading") != std::string_view::npos)
      source.request_stop();
  }
  std::stop_source source;
};

} // namespace

class DeployTest : public QObject {
  Q_OBJECT

private:
  std::unique_ptr<TestSshd> m_sshd;
  workflow::Services m_services;
  const fs::path m_gguf = test::sharedData("stories260K/stories260K.f32.gguf");
  const fs::path m_directory = test::sharedData("stories260K/hf");

  workflow::DeviceAccess access() const { return {m_sshd->device(), m_sshd->knownHosts(), TestSshd::trust}; }
  workflow::DeployRequest request(const fs::path& artifact) const {
    workflow::DeployRequest request;
    request.artifact = artifact;
    request.access = access();
    request.benchmark = false;
    return request;
  }
  workflow::DeployResult deploy(const workflow::DeployRequest& request) const {
    base::NoProgress progress;
    return workflow::deploy(request, m_services, {}, progress);
  }
  QByteArray deployError(const workflow::DeployRequest& request) const {
    try {
      deploy(request);
    } catch (const base::Error& error) {
      return error.what();
    }
    return {};
  }
  std::vector<DeploymentRow> deployments() const { return ExperimentLog(m_services.log).deployments(); }
  std::vector<RunRow> runs(RunKind kind) const {
    std::vector<RunRow> rows = ExperimentLog(m_services.log).runs();
    std::erase_if(rows, [&](const RunRow& row) { return row.kind != kind; });
    return rows;
  }
  static std::string nameOf(const std::string& version) { return fs::path(version).filename().string(); }

  /// The log has one failed run with the caller's message, and the next deployment succeeds.
  void verifyFailedRun(const QByteArray& told) const {
    const std::vector<RunRow> failed = runs(RunKind::Deploy);
    QCOMPARE(failed.size(), size_t{1});
    QVERIFY(failed[0].status == RunStatus::Failed);
    QCOMPARE(QByteArray::fromStdString(failed[0].error), told);
    QCOMPARE(failed[0].device, m_sshd->device().name);
    QVERIFY(deployments().empty());
    QCOMPARE(told.count('\n'), 0);
  }
  void verifyNextGoesWell() const {
    deploy(request(m_gguf));
    QCOMPARE(deployments().size(), size_t{1});
    const std::vector<RunRow> all = runs(RunKind::Deploy);
    QCOMPARE(std::count_if(all.begin(), all.end(),
                           [](const RunRow& r) { return r.status == RunStatus::Finished; }),
             1);
  }

private slots:
  void init() {
    NIB_REQUIRE_DATA(m_gguf);
    m_sshd = std::make_unique<TestSshd>();
    if (!m_sshd->skipReason().empty())
      QSKIP(m_sshd->skipReason().c_str());
    qputenv("XDG_CACHE_HOME", (m_sshd->root() / "cache").c_str());
    m_services.runner = test::builtFile("bin/nsmith-runner");
    m_services.log = m_sshd->root() / "log.db";
  }
  void cleanup() { m_sshd.reset(); }

  void deploymentAndFiguresComeIntoTheLog() {
    workflow::DeployRequest measured = request(m_gguf);
    measured.benchmark = true;
    measured.options = {16, 8, 1, 3};
    const workflow::DeployResult result = deploy(measured);

    const std::vector<DeploymentRow> rows = deployments();
    QCOMPARE(rows.size(), size_t{1});
    QCOMPARE(rows[0].device, std::string("test board"));
    QCOMPARE(rows[0].version, nameOf(result.deployment.version));
    QCOMPARE(rows[0].previousVersion, std::string());
    QCOMPARE(rows[0].sha256, result.deployment.sha256);
    QCOMPARE(rows[0].remotePath, std::string("nibblesmith/current/model.gguf"));

    const std::vector<RunRow> deployed = runs(RunKind::Deploy);
    QCOMPARE(deployed.size(), size_t{1});
    QVERIFY(deployed[0].status == RunStatus::Finished);
    QCOMPARE(deployed[0].artifact, rows[0].artifact);
    QCOMPARE(deployed[0].context["host"].get<std::string>(), std::string("127.0.0.1"));
    QCOMPARE(deployed[0].context["device"]["machine"].get<std::string>(), result.probe.machine);
    QCOMPARE(deployed[0].metrics.at("deployedBytes"), static_cast<double>(fs::file_size(m_gguf)));

    const std::vector<RunRow> figures = runs(RunKind::Benchmark);
    QCOMPARE(figures.size(), size_t{1});
    QVERIFY(figures[0].status == RunStatus::Finished);
    QCOMPARE(figures[0].device, std::string("test board"));
    QCOMPARE(figures[0].artifact, rows[0].artifact);
    QCOMPARE(figures[0].context["device"]["cores"].get<int>(), result.probe.cores);
    QVERIFY(figures[0].context["machine"] == result.benchmark->context);
    QVERIFY(figures[0].context["machine"].contains("cpu"));
    QVERIFY(figures[0].metrics.at("tokenMsP50") > 0);
    QVERIFY(ExperimentLog(m_services.log).samples(figures[0].id, "tokenMs") == result.benchmark->tokenMs);
    QCOMPARE(result.benchmark->tokenMs.size(), size_t{24});
  }

  void anotherArtifactKeepsThePrevious() {
    const auto first = deploy(request(m_gguf)).deployment;
    workflow::DeployRequest other = request(m_directory);
    other.type = exporting::GgufType::F16;
    const auto second = deploy(other).deployment;
    QCOMPARE(runs(RunKind::Deploy).back().context["exportedAs"].get<std::string>(), std::string("F16"));
    const std::vector<DeploymentRow> rows = deployments();
    QCOMPARE(rows.size(), size_t{2});
    QCOMPARE(rows[0].version, nameOf(second.version));
    QCOMPARE(rows[0].previousVersion, nameOf(first.version));
    QVERIFY(rows[0].sha256 != rows[1].sha256);
    QVERIFY(rows[0].artifact != rows[1].artifact);
    // The export for the device is not left behind, and exporting again gives the same version.
    QVERIFY(fs::is_empty(m_sshd->root() / "cache/nibblesmith/deploy"));
    QCOMPARE(deploy(other).deployment.version, second.version);
  }

  void rollBackIsInTheLog() {
    deploy(request(m_gguf));
    workflow::DeployRequest other = request(m_directory);
    other.type = exporting::GgufType::F16;
    deploy(other);
    const std::vector<DeploymentRow> before = deployments();
    const devices::DeploymentResult back = workflow::rollBack(access(), {}, m_services, {});
    const std::vector<DeploymentRow> rows = deployments();
    QCOMPARE(rows.size(), size_t{3});
    QCOMPARE(rows[0].version, nameOf(back.version));
    QCOMPARE(rows[0].version, before[1].version);
    QCOMPARE(rows[0].previousVersion, before[0].version);
    QCOMPARE(rows[0].artifact, before[1].artifact);
    QCOMPARE(rows[0].sha256, before[1].sha256);
    const std::vector<RunRow> backs = runs(RunKind::RollBack);
    QCOMPARE(backs.size(), size_t{1});
    QVERIFY(backs[0].status == RunStatus::Finished);
    QCOMPARE(backs[0].artifact, rows[0].artifact);
    QCOMPARE(backs[0].device, std::string("test board"));

    // A log without this version cannot name the artifact, and stays unchanged.
    m_services.log = m_sshd->root() / "other.db";
    workflow::rollBack(access(), {}, m_services, {});
    QVERIFY(deployments().empty());
  }

  void saysWhatRunsAndWhatItGoesBackTo() {
    const auto versions = [this] { return workflow::deployedVersions(access(), m_services, {}); };
    QVERIFY(!versions().current && !versions().previous);
    deploy(request(m_gguf));
    QVERIFY(versions().current && !versions().previous);
    QVERIFY_THROWS_EXCEPTION(base::Error, workflow::rollBack(access(), "anything", m_services, {}));
    std::this_thread::sleep_for(std::chrono::milliseconds(1100)); // the log has whole seconds
    workflow::DeployRequest other = request(m_directory);
    other.type = exporting::GgufType::F16;
    deploy(other);

    const std::vector<DeploymentRow> rows = deployments();
    const workflow::DeployedVersions before = versions();
    QCOMPARE(before.current->installed.name, rows[0].version);
    QCOMPARE(before.current->installed.sha256, rows[0].sha256);
    QVERIFY(before.current->installed.sizeBytes > 0);
    QCOMPARE(before.current->deployedAt, rows[0].deployedAt);
    QCOMPARE(before.previous->installed.name, rows[1].version);
    QCOMPARE(before.previous->installed.sizeBytes, static_cast<uint64_t>(fs::file_size(m_gguf)));
    QVERIFY(!before.current->artifact.empty() && !before.previous->artifact.empty());
    const std::vector<RunRow> deployed = runs(RunKind::Deploy);
    QVERIFY(before.current->run == std::max(deployed[0].id, deployed[1].id));
    QVERIFY(before.previous->run == std::min(deployed[0].id, deployed[1].id));
    QVERIFY(!before.previousIsNewer());
    const std::string told = workflow::describe(*before.previous);
    QVERIFY2(told.find("run " + std::to_string(*before.previous->run)) != std::string::npos, told.c_str());

    // Deleted versions are not activated.
    QVERIFY_THROWS_EXCEPTION(base::Error,
                             workflow::rollBack(access(), before.current->installed.name, m_services, {}));
    QCOMPARE(versions().current->installed.name, before.current->installed.name);
    workflow::rollBack(access(), before.previous->installed.name, m_services, {});

    // A second rollback would go forward, as the log knows.
    const workflow::DeployedVersions after = versions();
    QCOMPARE(after.current->installed.name, before.previous->installed.name);
    QCOMPARE(after.previous->installed.name, before.current->installed.name);
    QCOMPARE(after.current->deployedAt, before.previous->deployedAt);
    QVERIFY(after.previousIsNewer());

    // Another log does not know the versions, but the device does.
    m_services.log = m_sshd->root() / "other.db";
    const workflow::DeployedVersions unknown = versions();
    QCOMPARE(unknown.current->installed.name, after.current->installed.name);
    QVERIFY(unknown.current->artifact.empty() && !unknown.current->run && !unknown.previousIsNewer());
  }

  void refusesLinksThatNoDeploymentMade() {
    const fs::path directory = m_sshd->home() / "nibblesmith";
    fs::create_directories(directory / "elsewhere");
    fs::create_symlink("elsewhere", directory / "current");
    m_sshd->giveToAccount(directory);
    try {
      workflow::deployedVersions(access(), m_services, {});
      QFAIL("expected an error");
    } catch (const base::Error& error) {
      QVERIFY2(QByteArray(error.what()).contains("elsewhere"), error.what());
      QVERIFY(error.code() == base::ErrorCode::Corrupt);
    }
  }

  void rollBackThatFailsIsAFailedRun() {
    QByteArray told;
    try {
      workflow::rollBack(access(), "", m_services, {});
    } catch (const base::Error& error) {
      told = error.what();
    }
    QVERIFY2(told.contains("no version before"), told.constData());
    const std::vector<RunRow> failed = runs(RunKind::RollBack);
    QCOMPARE(failed.size(), size_t{1});
    QVERIFY(failed[0].status == RunStatus::Failed);
    QCOMPARE(QByteArray::fromStdString(failed[0].error), told);
    QCOMPARE(failed[0].context["host"].get<std::string>(), std::string("127.0.0.1"));
  }

  /// Regression: the query before the roll back failed outside of the run.
  void rollBackOfAnUnreachableDeviceIsAFailedRun() {
    workflow::DeviceAccess closed = access();
    closed.device.port = 1; // nothing listens there
    bool announced = false;
    try {
      workflow::rollBackAnnounced(closed, [&](const workflow::DeployedVersions&) { announced = true; },
                                  m_services, {});
      QFAIL("expected an error");
    } catch (const base::Error& error) {
      QVERIFY(!announced);
      const std::vector<RunRow> failed = runs(RunKind::RollBack);
      QCOMPARE(failed.size(), size_t{1});
      QVERIFY(failed[0].status == RunStatus::Failed);
      QCOMPARE(failed[0].error, std::string(error.what()));
    }
  }

  void stoppedRollBackIsACancelledRun() {
    std::stop_source stopped;
    stopped.request_stop();
    QVERIFY_THROWS_EXCEPTION(base::Cancelled,
                             workflow::rollBack(access(), "", m_services, stopped.get_token()));
    QCOMPARE(runs(RunKind::RollBack).size(), size_t{1});
    QVERIFY(runs(RunKind::RollBack)[0].status == RunStatus::Cancelled);
  }

  /// If other files have replaced those of a log row, nothing is sent to the board.
  void onlyTheFilesOfTheChosenRowAreDeployed() {
    const fs::path place = m_sshd->root() / "model.gguf";
    fs::copy(m_gguf, place);
    base::NoProgress progress;
    workflow::DeployRequest chosen = request(place);
    chosen.expectedHash = base::sha256OfPath(m_gguf);
    deploy(chosen);
    const fs::path other = m_sshd->root() / "other.gguf";
    workflow::exportModel({m_directory, exporting::GgufType::Q8_0, other, false, {}}, m_services, {},
                          progress);
    fs::rename(other, place);
    const QByteArray told = deployError(chosen);
    QVERIFY2(told.contains("holds other files") && told.contains(chosen.expectedHash.substr(0, 12).c_str()),
             told.constData());
    QCOMPARE(deployments().size(), size_t{1});
    const RunRow refused = runs(RunKind::Deploy).back();
    QVERIFY(refused.status == RunStatus::Failed);
    QCOMPARE(refused.artifact, deployments()[0].artifact);
    QCOMPARE(ExperimentLog(m_services.log).artifact(refused.artifact)->hash, chosen.expectedHash);
  }

  /// A change that keeps size and times is detected before a file is sent.
  void everyByteIsReadBeforeADeployment() {
    const fs::path place = m_sshd->root() / "model.gguf";
    fs::copy(m_gguf, place);
    workflow::DeployRequest chosen = request(place);
    chosen.expectedHash = base::sha256OfPath(m_gguf);
    deploy(chosen);
    fs::permissions(place, fs::perms::owner_write, fs::perm_options::add); // test data may be read-only
    std::fstream bytes(place, std::ios::binary | std::ios::in | std::ios::out);
    bytes.seekp(-1, std::ios::end);
    bytes.put('x');
    bytes.close();
    QVERIFY(bytes);
    // As if the log had recorded the changed file with its old digest.
    ExperimentLog(m_services.log).setFileDigest(place, base::stampOf(place).text(), chosen.expectedHash);
    const QByteArray told = deployError(chosen);
    QVERIFY2(told.contains("holds other files"), told.constData());
    QCOMPARE(deployments().size(), size_t{1});
  }

  void hostThatIsDown() {
    m_sshd->stop();
    const QByteArray told = deployError(request(m_gguf));
    QVERIFY2(told.contains("127.0.0.1:") && told.contains("refused"), told.constData());
    verifyFailedRun(told);
    m_sshd->start();
    verifyNextGoesWell();
  }

  void wrongKey() {
    workflow::DeployRequest stranger = request(m_gguf);
    stranger.access.device.keyFile = m_sshd->makeKey("stranger");
    const QByteArray told = deployError(stranger);
    QVERIFY2(told.contains("login as 'nibtest'") && told.contains("stranger"), told.constData());
    verifyFailedRun(told);
    verifyNextGoesWell();
  }

  void fullDisk() {
    m_sshd->fillDisk(true);
    const QByteArray told = deployError(request(m_gguf));
    QVERIFY2(told.contains("cannot write") && told.contains("full"), told.constData());
    verifyFailedRun(told);
    QVERIFY(!fs::exists(m_sshd->home() / "nibblesmith/current"));
    m_sshd->fillDisk(false);
    verifyNextGoesWell();
  }

  void stoppedDeploymentIsACancelledRun() {
    StopWhileUploading progress;
    QVERIFY_THROWS_EXCEPTION(base::Cancelled, workflow::deploy(request(m_gguf), m_services,
                                                               progress.source.get_token(), progress));
    const std::vector<RunRow> stopped = runs(RunKind::Deploy);
    QCOMPARE(stopped.size(), size_t{1});
    QVERIFY(stopped[0].status == RunStatus::Cancelled);
    QVERIFY(deployments().empty());
    verifyNextGoesWell();
  }
};

NIB_TEST(DeployTest)
#include "deploy_test.moc"
