// SPDX-License-Identifier: GPL-3.0-or-later
#include "fakes.hpp"

#include "devices/device.hpp"
#include "nib_test.hpp"
#include "ui/pages/queue/job_summary.hpp"
#include "ui/session/model_name.hpp"
#include "ui/session/text.hpp"
#include "workflow/benchmark.hpp"
#include "workflow/evaluate.hpp"
#include "workflow/quantize.hpp"

#include <fstream>
#include <future>

#include <QFile>
#include <QSignalSpy>
#include <QTest>

namespace nibblesmith::ui {

class SessionTest : public QObject {
  Q_OBJECT

private slots:
  void opensAModelAndRemembersIt();
  void saysWhyAModelDoesNotOpen();
  void forgetsARecentModelThatIsGone();
  void evaluatesWhatItQuantized();
  void asksForAHostKeyAndKeepsTheProbe();
  void readsTheLogAgainAfterEachJob();
  void deletesOnlyItsOwnArtifacts();
  void namesModelsAfterTheirFolder_data();
  void namesModelsAfterTheirFolder();
  void findsTheFilesBesideAModel();
  void expectsWhatItQuantized();
  void opensAnotherLog();
  void staysWithItsLogWhereAnotherDoesNotOpen();
  void jobsWriteIntoTheLogTheyWereStartedIn();
  void knowsOwnDemoAndOpenedLogs();
};

void SessionTest::opensAModelAndRemembersIt() {
  test::FakeSession fake;
  Session& session = fake.start();
  QSignalSpy changed(&session, &Session::modelChanged);
  for (int i = 0; i < 12; ++i) {
    session.openModel("/models/" + std::to_string(i));
    NIB_WAIT(changed.count() == i + 1);
  }
  QVERIFY(session.model());
  QCOMPARE(session.modelName(), QStringLiteral("11"));
  QCOMPARE(session.recentModels().size(), 8);
  QCOMPARE(session.recentModels().constFirst(), QStringLiteral("/models/11"));
  session.openModel("/models/7");
  NIB_WAIT(changed.count() == 13);
  QCOMPARE(session.recentModels().size(), 8);
  QCOMPARE(session.recentModels().constFirst(), QStringLiteral("/models/7"));
}

void SessionTest::saysWhyAModelDoesNotOpen() {
  test::FakeSession fake;
  Session& session = fake.start();
  QSignalSpy failed(&session, &Session::modelFailed);
  session.openModel("/models/broken");
  NIB_WAIT(failed.count() == 1);
  QVERIFY(failed.at(0).at(1).toString().contains(QStringLiteral("expected 10 bytes")));
  QVERIFY(!session.model());
  QVERIFY(session.modelPath().empty());
  QVERIFY(session.recentModels().isEmpty());
}

void SessionTest::forgetsARecentModelThatIsGone() {
  test::FakeSession fake;
  Session& session = fake.start();
  const std::filesystem::path there = std::filesystem::path(fake.directory.path().toStdString()) / "broken";
  std::filesystem::create_directories(there);
  fake.settings.setValue(QStringLiteral("models/recent"),
                         QStringList{toQString(there), QStringLiteral("/models/broken")});
  QSignalSpy failed(&session, &Session::modelFailed);
  session.openModel("/models/broken");
  NIB_WAIT(failed.count() == 1);
  session.openModel(there);
  NIB_WAIT(failed.count() == 2);
  QCOMPARE(session.recentModels(), QStringList{toQString(there)});
}

void SessionTest::evaluatesWhatItQuantized() {
  test::FakeSession fake;
  Session& session = fake.start();
  workflow::QuantizeRequest request;
  request.model = "/models/demo";
  request.out = "/artifacts/one";
  FollowUps then;
  then.evaluate = workflow::EvaluateRequest();
  then.evaluate->text = "/texts/a.txt";
  then.benchmark = true;
  session.quantize(request, then);
  NIB_WAIT(session.queue().waitingOrRunning() == 0);
  QCOMPARE(fake.quantized.size(), size_t(1));
  QCOMPARE(fake.evaluated.size(), size_t(1));
  QCOMPARE(fake.evaluated[0].artifact, request.out);
  QCOMPARE(fake.evaluated[0].text, std::filesystem::path("/texts/a.txt"));
  QCOMPARE(fake.benchmarked.size(), size_t(1));
}

void SessionTest::asksForAHostKeyAndKeepsTheProbe() {
  test::FakeSession fake;
  Session& session = fake.start();
  bool trust = false;
  connect(&session.hostKeys(), &HostKeyPrompt::asked, this,
          [&](quint64 question, const devices::HostKey&) { session.hostKeys().answer(question, trust); });
  devices::Device device;
  device.name = "board";
  device.host = "board.local";
  const JobId refused = session.probe(device);
  NIB_WAIT(session.queue().job(refused)->ended());
  QCOMPARE(session.queue().job(refused)->state, JobState::Failed);
  QVERIFY(!session.devices().probe(QStringLiteral("board")));
  trust = true;
  const JobId trusted = session.queue().retry(refused);
  NIB_WAIT(session.queue().job(trusted)->ended());
  QVERIFY(session.devices().probe(QStringLiteral("board")));
  QCOMPARE(session.devices().probe(QStringLiteral("board"))->cores, 4);
}

void SessionTest::readsTheLogAgainAfterEachJob() {
  test::FakeSession fake;
  Session& session = fake.start();
  session.experiments().refresh();
  NIB_WAIT(session.experiments().isLoaded());
  QCOMPARE(session.experiments().rows().size(), size_t(0));
  fake.rows = test::fakeRows();
  session.benchmark({"/artifacts/one", {}}, QStringLiteral("one"));
  NIB_WAIT(session.experiments().rows().size() == fake.rows.size());
}

void SessionTest::deletesOnlyItsOwnArtifacts() {
  test::FakeSession fake;
  Session& session = fake.start();
  const JobId refused = session.deleteArtifactFiles({"/models/foreign"}, QStringLiteral("foreign"));
  const JobId done = session.deleteArtifactFiles({"/artifacts/own", "abc"}, QStringLiteral("own"));
  NIB_WAIT(session.queue().job(done)->ended());
  QCOMPARE(session.queue().job(refused)->state, JobState::Failed);
  QCOMPARE(session.queue().job(refused)->error, QStringLiteral("'/models/foreign' is not deleted"));
  QCOMPARE(session.queue().job(done)->state, JobState::Finished);
  QCOMPARE(fake.deleted.back().expectedHash, std::string("abc"));
  // The remaining files are shown.
  const std::vector<Fact> facts = resultFacts(*session.queue().job(done));
  QVERIFY(std::any_of(facts.begin(), facts.end(),
                      [](const Fact& fact) { return fact.value == QStringLiteral("'photos/'"); }));
}

void SessionTest::namesModelsAfterTheirFolder_data() {
  QTest::addColumn<QString>("path");
  QTest::addColumn<QString>("name");
  QTest::newRow("directory") << QStringLiteral("/m/SmolLM2-135M") << QStringLiteral("SmolLM2-135M");
  QTest::newRow("slash") << QStringLiteral("/m/SmolLM2-135M/") << QStringLiteral("SmolLM2-135M");
  QTest::newRow("model folder") << QStringLiteral("/m/demo/model") << QStringLiteral("demo");
  QTest::newRow("file") << QStringLiteral("/m/SmolLM2.Q4_0.gguf") << QStringLiteral("SmolLM2.Q4_0");
}

void SessionTest::namesModelsAfterTheirFolder() {
  QFETCH(QString, path);
  QFETCH(QString, name);
  QCOMPARE(modelNameOf(toPath(path)), name);
}

void SessionTest::findsTheFilesBesideAModel() {
  QTemporaryDir directory;
  const std::filesystem::path root = directory.path().toStdString();
  QVERIFY(filesBeside(root / "model").calibration.empty());
  std::filesystem::create_directories(root / "pairs");
  for (const char* name :
       {"calibration.json", "heldout.txt", "pairs/b.jsonl", "pairs/a.jsonl", "pairs/notes.md"}) {
    QFile file(toQString(root / name));
    QVERIFY(file.open(QIODevice::WriteOnly));
  }
  const FilesBesideModel files = filesBeside(root / "model");
  QCOMPARE(files.calibration, root / "calibration.json");
  QCOMPARE(files.text, root / "heldout.txt");
  QCOMPARE(files.pairs, (std::vector<std::filesystem::path>{root / "pairs/a.jsonl", root / "pairs/b.jsonl"}));
}

/// The folder may contain something else when a job is retried.
void SessionTest::expectsWhatItQuantized() {
  test::FakeSession fake;
  Session& session = fake.start();
  workflow::QuantizeRequest request;
  request.model = "/models/demo";
  request.recipe.name = "RTN 4-bit";
  request.out = "/artifacts/one";
  FollowUps then;
  then.evaluate = workflow::EvaluateRequest();
  then.benchmark = true;
  session.quantize(request, then);
  NIB_WAIT(session.queue().waitingOrRunning() == 0);
  QCOMPARE(fake.evaluated[0].expectedHash, std::string("identity of RTN 4-bit"));
  QCOMPARE(fake.benchmarked[0].expectedHash, std::string("identity of RTN 4-bit"));
  QCOMPARE(fake.benchmarked[0].artifact, request.out);
}

void SessionTest::opensAnotherLog() {
  test::FakeSession fake;
  Session& session = fake.start();
  const std::filesystem::path other = std::filesystem::path(fake.directory.path().toStdString()) / "other.db";
  std::ofstream(other) << "x";
  fake.logs[other] = {test::fakeRow(1, "RTN", 4, 1, 2, 0.5, 1)};
  fake.rows = test::fakeRows();
  QSignalSpy changed(&session, &Session::logChanged);
  session.openLog(other);
  NIB_WAIT(changed.count() == 1);
  QCOMPARE(session.paths().log, other);
  QCOMPARE(session.services().log, other);
  QCOMPARE(session.experiments().path(), other);
  QCOMPARE(session.experiments().rows().size(), size_t(1));
  session.openLog(session.paths().ownLog);
  NIB_WAIT(session.experiments().rows().size() == fake.rows.size());
}

void SessionTest::staysWithItsLogWhereAnotherDoesNotOpen() {
  test::FakeSession fake;
  Session& session = fake.start();
  fake.rows = test::fakeRows();
  session.experiments().refresh();
  NIB_WAIT(session.experiments().isLoaded());
  const std::filesystem::path root = fake.directory.path().toStdString();
  std::ofstream(root / "foreign.db") << "x";
  QSignalSpy failed(&session, &Session::logFailed);
  session.openLog(root / "foreign.db");
  NIB_WAIT(failed.count() == 1);
  QVERIFY(failed.at(0).at(1).toString().contains(QStringLiteral("expected an experiment log")));
  // Opening a log must not create it.
  session.openLog(root / "absent.db");
  NIB_WAIT(failed.count() == 2);
  QVERIFY(failed.at(1).at(1).toString().contains(QStringLiteral("absent.db")));
  QVERIFY(!std::filesystem::exists(root / "absent.db"));
  QCOMPARE(session.paths().log, root / "log.db");
  QCOMPARE(session.experiments().rows().size(), fake.rows.size());
  QCOMPARE(session.logs().list(session.paths().log).size(), size_t(1));
}

void SessionTest::jobsWriteIntoTheLogTheyWereStartedIn() {
  test::FakeSession fake;
  Session& session = fake.start();
  const std::filesystem::path own = session.paths().log, other = own.parent_path() / "other.db";
  std::ofstream(other) << "x";
  std::promise<void> go;
  JobSpec first;
  first.function = [&](const std::stop_token&, base::Progress&) -> std::any {
    go.get_future().wait();
    return {};
  };
  session.queue().add(first);
  session.quantize({}, {});
  QSignalSpy changed(&session, &Session::logChanged);
  session.openLog(other);
  NIB_WAIT(changed.count() == 1);
  session.quantize({}, {});
  go.set_value();
  NIB_WAIT(session.queue().waitingOrRunning() == 0);
  QCOMPARE(fake.loggedInto, (std::vector<std::filesystem::path>{own, other}));
}

void SessionTest::knowsOwnDemoAndOpenedLogs() {
  QTemporaryDir directory;
  const std::filesystem::path root = directory.path().toStdString();
  QSettings settings(directory.filePath(QStringLiteral("settings.ini")), QSettings::IniFormat);
  KnownLogs logs(settings, root / "experiments.db", root / "demo/experiments.db");
  const auto names = [&](const std::filesystem::path& current) {
    QStringList list;
    for (const KnownLogs::Log& log : logs.list(current))
      list << log.name;
    return list.join(QStringLiteral(", "));
  };
  // The own log is offered before it exists, the demo log is not.
  QCOMPARE(names(root / "experiments.db"), QStringLiteral("My experiments"));
  QVERIFY(logs.demo().empty());
  for (const char* name : {"demo/experiments.db", "pi/experiments.db", "a.db", "b.db"}) {
    std::filesystem::create_directories((root / name).parent_path());
    std::ofstream(root / name) << "x";
    logs.remember(root / name);
  }
  QCOMPARE(names(root / "experiments.db"), QStringLiteral("My experiments, Demo, b, a, pi"));
  QCOMPARE(names(root / "c.db"), QStringLiteral("My experiments, Demo, c, b, a, pi"));
  QCOMPARE(logs.demo(), root / "demo/experiments.db");
  // A deleted log is not offered, and a reopened log comes first.
  std::filesystem::remove(root / "b.db");
  logs.remember(root / "pi/experiments.db");
  QCOMPARE(names(root / "experiments.db"), QStringLiteral("My experiments, Demo, pi, a"));
  logs.forget(root / "a.db");
  QCOMPARE(names(root / "experiments.db"), QStringLiteral("My experiments, Demo, pi"));
}

} // namespace nibblesmith::ui

NIB_TEST(nibblesmith::ui::SessionTest)
#include "session_test.moc"
