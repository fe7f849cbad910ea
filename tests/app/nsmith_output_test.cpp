// SPDX-License-Identifier: Apache-2.0
// Text from files printed to the terminal: escape sequences must be shown, not sent.
#include "nib_test.hpp"
#include "nsmith_process.hpp"
#include "test_data.hpp"

#include "experiments/experiment_log.hpp"

#include <QDir>
#include <QFile>
#include <QTest>

using namespace nibblesmith;

namespace {

const std::string kHostile = "\x1b[2J\x1b]0;title\x07 \xc2\x9b"
                             "31m \xe2\x80\xae"
                             "cba\nsecond line" +
                             std::string(9000, 'A');

QString demo(const char* name) {
  return QString::fromStdString(test::projectFile(std::string("resources/demo/") + name).string());
}

/// Returns a description of the first control character; empty if there is none. Line breaks and tabs are
/// allowed.
QByteArray obeyed(const QByteArray& text) {
  for (const char c : text)
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
      return "control character " + QByteArray::number(c, 16);
  for (const QChar c : QString::fromUtf8(text))
    if ((c.unicode() >= 0x7f && c.unicode() <= 0x9f) || (c.unicode() >= 0x202a && c.unicode() <= 0x202e))
      return "character " + QByteArray::number(c.unicode(), 16);
  return {};
}

} // namespace

class NsmithOutputTest : public QObject {
  Q_OBJECT

  QTemporaryDir m_folder;

  QString path(const QString& name) const { return m_folder.filePath(name); }

  test::NsmithResult run(const QStringList& call) {
    test::NsmithResult result = test::runNsmith(m_folder, call);
    const QByteArray inOutput = obeyed(result.output);
    const QByteArray inErrors = obeyed(result.errors);
    if (!inOutput.isEmpty() || !inErrors.isEmpty())
      QTest::qFail((call.join(QLatin1Char(' ')).toUtf8() + ": " + inOutput + " " + inErrors).constData(),
                   __FILE__, __LINE__);
    return result;
  }

private slots:
  void initTestCase() {
    QDir().mkpath(path(QStringLiteral("model")));
    for (const QString& file : QDir(demo("model")).entryList(QDir::Files))
      QFile::copy(demo("model") + '/' + file, path(QStringLiteral("model/")) + file);
    QFile card(path(QStringLiteral("model/README.md")));
    card.setPermissions(QFile::ReadOwner | QFile::WriteOwner);
    QVERIFY(card.open(QIODevice::WriteOnly | QIODevice::Truncate));
    card.write("---\nlicense: \"\\e[31mred\\u202E\"\nbase_model: \"\\e]0;title\\a\"\n---\n");
  }

  void inspect() {
    const test::NsmithResult result = run({QStringLiteral("inspect"), path(QStringLiteral("model"))});
    QCOMPARE(result.exitCode, 0);
    QVERIFY2(result.output.contains("\\x1B[31mred\\u202E"), result.output.constData());
    QVERIFY2(result.output.contains("\\x1B]0;title\\x07"), result.output.constData());
  }

  void inspectAsJson() {
    const test::NsmithResult result =
        run({QStringLiteral("inspect"), path(QStringLiteral("model")), QStringLiteral("--json")});
    QCOMPARE(result.json()["license"].get<std::string>(), std::string("\\x1B[31mred\\u202E"));
  }

  void runsAndDevices() {
    experiments::ExperimentLog log(path(QStringLiteral("log.db")).toStdString());
    experiments::ArtifactRow artifact;
    artifact.model = log.addModel({kHostile, "/models/demo", "hash", kHostile, 1, 1});
    artifact.name = kHostile;
    artifact.path = "/artifacts/one";
    artifact.hash = "another hash";
    const experiments::RowId id = log.addArtifact(artifact);
    const experiments::RowId row = log.startRun(experiments::RunKind::Benchmark, id, kHostile, {});
    log.addMetric(row, "tokenMsP50", 1, "ms");
    log.finishRun(row, experiments::RunStatus::Finished);
    const test::NsmithResult result = run({QStringLiteral("runs")});
    QCOMPARE(result.exitCode, 0);
    QVERIFY2(result.output.contains("\\x1B[2J"), result.output.constData());
    // One line per row: names must not add lines or fill the screen.
    QCOMPARE(result.output.count('\n'), 3);
    QVERIFY(result.output.size() < 8000);
  }

  void errors() {
    const test::NsmithResult result =
        run({QStringLiteral("inspect"), QStringLiteral("/no\x1b[31m\u202e/where")});
    QCOMPARE(result.exitCode, 1);
    QVERIFY2(result.errors.contains("\\x1B[31m"), result.errors.constData());
    const test::NsmithResult usage = run({QStringLiteral("fl\x1b[31my")});
    QCOMPARE(usage.exitCode, 2);
    QVERIFY2(usage.errors.contains("\\x1B[31m"), usage.errors.constData());
  }
};

NIB_TEST(NsmithOutputTest)
#include "nsmith_output_test.moc"
