// SPDX-License-Identifier: Apache-2.0
// Bad input: one clear sentence, the right exit code, no partial output.
#include "nib_test.hpp"
#include "nsmith_process.hpp"
#include "test_data.hpp"

#include <QDir>
#include <QFile>
#include <QTest>

using namespace nibblesmith;

namespace {

QString demo(const char* name) {
  return QString::fromStdString(test::projectFile(std::string("resources/demo/") + name).string());
}

} // namespace

class NsmithErrorsTest : public QObject {
  Q_OBJECT

  QTemporaryDir m_folder;

  QString path(const QString& name) const { return m_folder.filePath(name); }

  /// Returns a copy of the demo model that a test may damage.
  QString copyOfModel(const QString& name) {
    const QString folder = path(name);
    QDir().mkpath(folder);
    for (const QString& file : QDir(demo("model")).entryList(QDir::Files))
      QFile::copy(demo("model") + '/' + file, folder + '/' + file);
    return folder;
  }

  static void replaceIn(const QString& file, const QByteArray& from, const QByteArray& to) {
    QFile stream(file);
    QVERIFY(stream.open(QIODevice::ReadOnly));
    QByteArray bytes = stream.readAll();
    stream.close();
    QVERIFY(bytes.contains(from));
    bytes.replace(bytes.indexOf(from), from.size(), to);
    QFile::setPermissions(file, QFile::ReadOwner | QFile::WriteOwner);
    QVERIFY(stream.open(QIODevice::WriteOnly | QIODevice::Truncate));
    stream.write(bytes);
  }

  void expectFailure(const QStringList& call, int exitCode, const QList<QByteArray>& words) {
    const test::NsmithResult result = test::runNsmith(m_folder, call);
    QCOMPARE(result.exitCode, exitCode);
    for (const QByteArray& word : words)
      QVERIFY2(result.errors.contains(word), (word + " not in: " + result.errors).constData());
    QVERIFY2(result.errors.count('\n') <= 2, result.errors.constData());
    QVERIFY(result.output.isEmpty());
  }

private slots:
  void usage() {
    expectFailure({"fly"}, 2, {"fly"});
    expectFailure({"inspect"}, 2, {"MODEL"});
    expectFailure({"inspect", demo("model"), "--wings"}, 2, {"wings"});
    expectFailure({"quantize", demo("model"), "--method", "gptq", "--samples", "many", "--out", path("x")}, 2,
                  {"--samples", "many"});
    expectFailure({"quantize", demo("model"), "--method", "magic", "--out", path("x")}, 2, {"magic", "gptq"});
    expectFailure(
        {"quantize", demo("model"), "--method", "rtn", "--damp-fraction", "0.1", "--out", path("x")}, 2,
        {"damp-fraction"});
    expectFailure({"eval", demo("model")}, 2, {"--text"});
  }

  /// A wrong name in a recipe is an error of the file, not of a flag.
  void unknownMethodsInARecipe() {
    QFile file(path("recipe.json"));
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write(R"({"schema": 1, "name": "x", "rounding": {"use": "magic"}})");
    file.close();
    expectFailure({"quantize", demo("model"), "--recipe", path("recipe.json"), "--out", path("x")}, 1,
                  {"recipe.json", "rounding.use", "magic", "gptq"});
  }

  void parametersOutOfRange() {
    expectFailure({"quantize", demo("model"), "--method", "rtn", "--bits", "9", "--out", path("x")}, 1,
                  {"bits", "9"});
    expectFailure({"quantize", demo("model"), "--method", "rtn", "--group-size", "0", "--out", path("x")}, 1,
                  {"groupSize"});
    QVERIFY(!QFile::exists(path("x")));
  }

  void missingModel() { expectFailure({"inspect", path("nowhere")}, 1, {"nowhere"}); }

  void calibrationIsAskedFor() {
    expectFailure({"quantize", demo("model"), "--method", "gptq", "--out", path("x")}, 1, {"calibration"});
  }

  void calibrationThatIsNotWhatItSays() {
    QFile file(path("prompts.json"));
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write("{\"prompt\": 3}");
    file.close();
    expectFailure({"quantize", demo("model"), "--method", "gptq", "--calibration", path("prompts.json"),
                   "--out", path("x")},
                  1, {"prompts.json"});
    QVERIFY(!QFile::exists(path("x")));
  }

  void truncatedWeights() {
    const QString model = copyOfModel("truncated");
    QFile::setPermissions(model + "/model.safetensors", QFile::ReadOwner | QFile::WriteOwner);
    QVERIFY(QFile::resize(model + "/model.safetensors", 1'000'000));
    expectFailure({"inspect", model}, 1, {"model.safetensors"});
  }

  void unknownArchitecture() {
    const QString model = copyOfModel("unknown");
    replaceIn(model + "/config.json", "LlamaForCausalLM", "MambaForCausalLM");
    replaceIn(model + "/config.json", "\"model_type\": \"llama\"", "\"model_type\": \"mamba\"");
    expectFailure({"inspect", model}, 1, {"mamba"});
  }

  void weightsThatAreNoNumbers() {
    const QString model = copyOfModel("nan");
    QFile stream(model + "/model.safetensors");
    QFile::setPermissions(stream.fileName(), QFile::ReadOwner | QFile::WriteOwner);
    QVERIFY(stream.open(QIODevice::ReadWrite));
    const QByteArray length = stream.read(8);
    quint64 header = 0;
    memcpy(&header, length.constData(), 8);
    const base::Json json = base::parseJson(stream.read(static_cast<qint64>(header)).toStdString(), "header");
    const auto offset = json["model.layers.1.mlp.up_proj.weight"]["data_offsets"][0].get<qint64>();
    stream.seek(8 + static_cast<qint64>(header) + offset);
    stream.write(QByteArray::fromHex("007e")); // f16 NaN
    stream.close();
    expectFailure({"quantize", model, "--method", "rtn", "--out", path("x")}, 1,
                  {"model.layers.1.mlp.up_proj", "NaN"});
    QVERIFY(!QFile::exists(path("x")));
  }

  void unwritableTarget() {
    expectFailure({"export", demo("model"), "--type", "F16", "--out", "/proc/nowhere/model.gguf"}, 1,
                  {"/proc/nowhere"});
    expectFailure({"export", demo("model"), "--type", "Q9", "--out", "x.gguf"}, 2, {"--type", "Q4_0", "Q9"});
    expectFailure({"quantize", demo("model"), "--method", "rtn", "--grid-points", "5", "--out", "x"}, 2,
                  {"--grid-points", "awq"});
  }

  void aLogThatIsNoLog() {
    QTemporaryDir folder;
    QFile file(folder.filePath("log.db"));
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write(QByteArray(4096, 'x'));
    file.close();
    const test::NsmithResult result = test::runNsmith(folder, {"runs"});
    QCOMPARE(result.exitCode, 1);
    QVERIFY2(result.errors.contains("log.db"), result.errors.constData());
  }
};

NIB_TEST(NsmithErrorsTest)
#include "nsmith_errors_test.moc"
