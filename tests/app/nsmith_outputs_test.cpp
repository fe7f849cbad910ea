// SPDX-License-Identifier: Apache-2.0
// Foreign files at or next to an output path are kept, and two programs cannot use the same output.
#include "nib_test.hpp"
#include "nsmith_process.hpp"
#include "test_data.hpp"

#include <csignal>

#include <QDir>
#include <QFile>
#include <QTest>
#include <QThread>

#include <sys/resource.h>
#include <sys/stat.h>

using namespace nibblesmith;

namespace {

QString demo(const char* name) {
  return QString::fromStdString(test::projectFile(std::string("resources/demo/") + name).string());
}

void put(const QString& path, const QByteArray& text) {
  QDir().mkpath(QFileInfo(path).path());
  QFile file(path);
  QVERIFY(file.open(QIODevice::WriteOnly));
  file.write(text);
}

QByteArray textOf(const QString& path) {
  QFile file(path);
  return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

} // namespace

class NsmithOutputsTest : public QObject {
  Q_OBJECT

  std::unique_ptr<QTemporaryDir> m_folder;

  QString path(const char* name) const { return m_folder->filePath(QLatin1String(name)); }
  QStringList quantize(const QString& out) const {
    return {"quantize", demo("model"), "--method", "rtn", "--bits", "4", "--group-size", "64", "--out", out};
  }
  QStringList longQuantize(const QString& out) const {
    return {"quantize",  demo("model"), "--method",      "gptq",
            "--bits",    "4",           "--calibration", demo("calibration.json"),
            "--samples", "64",          "--length",      "128",
            "--threads", "1",           "--out",         out};
  }
  QByteArray refusal(const QStringList& call) const {
    const test::NsmithResult result = test::runNsmith(*m_folder, call);
    return result.exitCode == 1 ? result.errors
                                : QByteArray("exit code ") + QByteArray::number(result.exitCode);
  }
  /// Starts a call; it runs until it is waited for or killed.
  std::unique_ptr<QProcess> start(QStringList call) const {
    call << "--log" << path("log.db") << "--quiet";
    auto process = std::make_unique<QProcess>();
    process->start(test::nsmithProgram(), call);
    return process;
  }

private slots:
  void init() {
    m_folder = std::make_unique<QTemporaryDir>();
    qputenv("XDG_DATA_HOME", m_folder->filePath(QStringLiteral("data")).toUtf8());
  }

  void aForeignWorkDirectoryStays() {
    put(path("x.partial/photo.jpg"), "a photo");
    const QByteArray told = refusal(quantize(path("x")));
    QVERIFY2(told.contains("x.partial'") && told.contains("'photo.jpg'"), told.constData());
    QCOMPARE(textOf(path("x.partial/photo.jpg")), QByteArray("a photo"));
    QCOMPARE(QDir(path("x.partial")).entryList(QDir::AllEntries | QDir::Hidden | QDir::NoDotAndDotDot).size(),
             1);
    QVERIFY(!QFile::exists(path("x")));
  }

  void aForeignDirectoryIsNoArtifact() {
    put(path("photos/nibblesmith.json"), R"({"schema": 1, "kind": "artifact", "files": {}})");
    put(path("photos/1.jpg"), "a photo");
    const QByteArray told = refusal(quantize(path("photos")));
    QVERIFY2(told.contains("photos'") && told.contains("'1.jpg'"), told.constData());
    QCOMPARE(textOf(path("photos/1.jpg")), QByteArray("a photo"));
    QVERIFY(!QFile::exists(path("photos.partial")));
  }

  /// By default, a write beyond the limit of a file's size ends a program by a signal.
  void aLimitOfFileSizesIsAnError() {
    QProcess process;
    process.setChildProcessModifier([] {
      const rlimit bytes{512 << 10, 512 << 10};
      ::setrlimit(RLIMIT_FSIZE, &bytes);
    });
    process.start(test::nsmithProgram(), quantize(path("limited")) << "--log" << path("log.db") << "--quiet");
    QVERIFY(process.waitForFinished(100'000));
    const QByteArray told = process.readAllStandardError();
    QCOMPARE(process.exitStatus(), QProcess::NormalExit);
    QCOMPARE(process.exitCode(), 1);
    QVERIFY2(told.contains("model.safetensors'") && told.contains("File too large"), told.constData());
    // Finished blocks are kept for the next call, nothing else.
    QVERIFY(!QFile::exists(path("limited.writing")) && !QFile::exists(path("limited")));
    const QDir unfinished(path("limited.partial"));
    QVERIFY(unfinished.exists("block-0000.safetensors"));
    QCOMPARE(unfinished.entryList({".writing-*"}, QDir::AllEntries | QDir::Hidden), QStringList());
  }

  void specialFilesAreNoOutputs() {
    QCOMPARE(::mkfifo(path("pipe").toUtf8().constData(), 0600), 0);
    QVERIFY(QFile::link(path("pipe"), path("link.gguf")));
    for (const char* out : {"pipe", "link.gguf"}) {
      const QByteArray told = refusal({"export", demo("model"), "--type", "Q8_0", "--out", path(out)});
      QVERIFY2(told.contains("named pipe"), told.constData());
      QVERIFY2(!refusal(quantize(path(out))).contains("exit code"), out);
    }
    struct stat info {};
    QCOMPARE(::stat(path("pipe").toUtf8().constData(), &info), 0);
    QVERIFY(S_ISFIFO(info.st_mode));
    QVERIFY(QFileInfo(path("link.gguf")).isSymLink());
  }

  void aForeignFileIsNotReplaced() {
    put(path("thesis.gguf"), "years of work");
    const QByteArray told =
        refusal({"export", demo("model"), "--type", "Q8_0", "--out", path("thesis.gguf")});
    QVERIFY2(told.contains("thesis.gguf' exists"), told.constData());
    const QByteArray again =
        refusal({"export", demo("model"), "--type", "Q8_0", "--out", path("thesis.gguf"), "--replace"});
    QVERIFY2(again.contains("nothing says that this program wrote it"), again.constData());
    QCOMPARE(textOf(path("thesis.gguf")), QByteArray("years of work"));
  }

  void twoQuantizationsIntoOneDirectory() {
    const auto first = start(longQuantize(path("x")));
    const QDir partial(path("x.partial"));
    for (int wait = 0; wait < 3000 && !partial.exists(); ++wait)
      QThread::msleep(10);
    // Uses another spelling of the same path.
    const QByteArray told = refusal(quantize(path("x/../x/")));
    QVERIFY2(told.contains("in use by process " + QByteArray::number(first->processId())) &&
                 told.contains("quantizing model"),
             told.constData());
    QVERIFY(first->waitForFinished(300'000));
    QCOMPARE(first->exitCode(), 0);
    QVERIFY(!partial.exists());
    QCOMPARE(test::runNsmith(*m_folder, {"inspect", path("x")}).exitCode, 0);
  }

  void foreignFilesInUnfinishedWorkStayAndAreNamed() {
    const auto process = start(longQuantize(path("x")));
    const QDir partial(path("x.partial"));
    for (int wait = 0; wait < 3000 && partial.entryList({"block-*"}, QDir::Files).isEmpty(); ++wait)
      QThread::msleep(10);
    ::kill(static_cast<pid_t>(process->processId()), SIGKILL);
    process->waitForFinished();
    QVERIFY(!partial.entryList({"block-*"}, QDir::Files).isEmpty());
    put(partial.filePath("notes.txt"), "notes");
    put(partial.filePath("block-0000.safetensors"), "a photo");
    const test::NsmithResult result = test::runNsmith(*m_folder, longQuantize(path("x")));
    QVERIFY2(result.exitCode == 0, result.errors.constData());
    QVERIFY2(result.output.contains("x.partial' stays") && result.output.contains("'notes.txt'"),
             result.output.constData());
    QCOMPARE(textOf(partial.filePath("notes.txt")), QByteArray("notes"));
    QCOMPARE(textOf(partial.filePath("block-0000.safetensors.kept-1")), QByteArray("a photo"));
    QVERIFY(partial.entryList({"*.safetensors"}, QDir::Files).isEmpty());
  }

  void onlyWhatTheLogKnowsIsDeleted() {
    QCOMPARE(test::runNsmith(*m_folder, quantize(path("x"))).exitCode, 0);
    QCOMPARE(
        test::runNsmith(*m_folder, {"export", path("x"), "--type", "Q8_0", "--out", path("x.gguf")}).exitCode,
        0);
    put(path("x/photo.jpg"), "a photo");
    put(path("source.gguf"), "a model");
    QVERIFY2(refusal({"delete", path("source.gguf")}).contains("no export"), "a foreign file was deleted");
    QVERIFY(QFile::exists(path("source.gguf")));
    test::NsmithResult result = test::runNsmith(*m_folder, {"delete", path("x")});
    QVERIFY2(result.exitCode == 0 && result.output.contains("'photo.jpg'"), result.output.constData());
    QCOMPARE(QDir(path("x")).entryList(QDir::AllEntries | QDir::Hidden | QDir::NoDotAndDotDot),
             QStringList{"photo.jpg"});
    result = test::runNsmith(*m_folder, {"delete", path("x.gguf")});
    QVERIFY2(result.exitCode == 0, result.errors.constData());
    QVERIFY(!QFile::exists(path("x.gguf")));
  }

  /// Regression: the row's path holds another artifact now.
  void anotherArtifactIsNotDeleted() {
    QStringList call = quantize(path("x"));
    QCOMPARE(test::runNsmith(*m_folder, call).exitCode, 0);
    const auto identity = [this] {
      const auto rows = test::runNsmith(*m_folder, {"runs", "--json"}).json();
      return QString::fromStdString(rows[0]["sha256"].get<std::string>());
    };
    const QString four = identity();
    call[call.indexOf("4")] = "3";
    QCOMPARE(test::runNsmith(*m_folder, call << "--replace").exitCode, 0);
    const QByteArray told = refusal({"delete", path("x"), "--expect", four});
    QVERIFY2(told.contains("other files than the row") && told.contains(four.left(12).toUtf8()),
             told.constData());
    QVERIFY(QFile::exists(path("x/model.safetensors")));
  }

  void twelveDevicesAtOnce() {
    std::vector<std::unique_ptr<QProcess>> processes;
    for (int i = 0; i < 12; ++i)
      processes.push_back(start({"devices", "add", "board " + QString::number(i), "--host", "board.local"}));
    for (const auto& process : processes) {
      QVERIFY(process->waitForFinished(60'000));
      QVERIFY2(process->exitCode() == 0, process->readAllStandardError().constData());
    }
    QCOMPARE(test::runNsmith(*m_folder, {"devices", "--json"}).json().size(), size_t{12});
  }

  /// Regression: the device was queried before the run began.
  void aFailedRollBackIsInTheLog() {
    const auto added = test::runNsmith(
        *m_folder, {"devices", "add", "board", "--host", "127.0.0.1", "--port", "1", "--user", "pi"});
    QVERIFY2(added.exitCode == 0, added.errors.constData());
    const QByteArray told = refusal({"deploy", "--roll-back", "--device", "board"});
    QVERIFY2(told.contains("127.0.0.1"), told.constData());
    const auto runs = test::runNsmith(*m_folder, {"runs", "--all", "--json"}).json();
    QCOMPARE(runs.size(), size_t{1});
    QCOMPARE(runs[0]["status"].get<std::string>(), std::string("failed"));
  }
};

NIB_TEST(NsmithOutputsTest)
#include "nsmith_outputs_test.moc"
