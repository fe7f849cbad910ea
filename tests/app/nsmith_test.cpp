// SPDX-License-Identifier: Apache-2.0
// The command line program on the demo model, as a user calls it.
#include "nib_test.hpp"
#include "nsmith_process.hpp"
#include "test_data.hpp"

#include <csignal>

#include <QDir>
#include <QFile>
#include <QTest>
#include <QThread>

using namespace nibblesmith;

namespace {

QString demo(const char* name) {
  return QString::fromStdString(test::projectFile(std::string("resources/demo/") + name).string());
}

} // namespace

class NsmithTest : public QObject {
  Q_OBJECT

  QTemporaryDir m_folder;

  QString path(const char* name) const { return m_folder.filePath(QLatin1String(name)); }

  QStringList gptq(const QString& out, int threads) const {
    return {"quantize",      demo("model"),
            "--method",      "gptq",
            "--bits",        "4",
            "--group-size",  "128",
            "--calibration", demo("calibration.json"),
            "--samples",     "16",
            "--length",      "128",
            "--out",         out,
            "--threads",     QString::number(threads),
            "--json"};
  }

  std::string sha(const QStringList& arguments) {
    const test::NsmithResult result = test::runNsmith(m_folder, arguments);
    if (result.exitCode != 0)
      qWarning("%s", result.errors.constData());
    return result.exitCode == 0 ? result.json().at("sha256").get<std::string>() : std::string();
  }

private slots:
  void helpListsEveryVerb() {
    const test::NsmithResult result = test::runNsmith(m_folder, {"--help"});
    QCOMPARE(result.exitCode, 0);
    for (const char* verb : {"inspect", "tokenize", "generate", "quantize", "eval", "bench", "export", "runs",
                             "deploy", "sensitivity"})
      QVERIFY2(result.output.contains(verb), verb);
  }

  void inspectShowsTheArchitecture() {
    const base::Json json = test::runNsmith(m_folder, {"inspect", demo("model"), "--json"}).json();
    QCOMPARE(json["family"].get<std::string>(), std::string("llama"));
    QVERIFY(json["parameters"].get<int64_t>() > 4'000'000);
    QVERIFY(json["tensors"].size() > 20);
  }

  void inspectSaysHowPositionsAreEncoded() {
    const auto inspect = [this](const char* family) {
      const QString model =
          QString::fromStdString(test::projectFile(std::string("tests/golden/model/") + family).string());
      return test::runNsmith(m_folder, {"inspect", model}).output;
    };
    QVERIFY(inspect("gpt2").contains("context       64 tokens, learned positions\n"));
    QVERIFY(inspect("llama").contains("context       128 tokens, rope theta 500\n"));
    QVERIFY(
        inspect("llama_dynamic")
            .contains("context       512 tokens, with scaled RoPE positions beyond 128, rope theta 500\n"));
  }

  void tokenizesWithoutAModel() {
    const QString files =
        QString::fromStdString(test::projectFile("tests/golden/tokenizer/byte_level").string());
    const test::NsmithResult text =
        test::runNsmith(m_folder, {"tokenize", files, "--text", "<s>The board</s>", "--special"});
    QCOMPARE(text.exitCode, 0);
    const QList<QByteArray> ids = text.output.trimmed().split(' ');
    QVERIFY(ids.size() > 4 && ids.first() == "458" && ids.last() == "459");
    const test::NsmithResult nothing =
        test::runNsmith(m_folder, {"tokenize", m_folder.path(), "--text", "a"});
    QCOMPARE(nothing.exitCode, 1);
    QVERIFY2(nothing.errors.contains("tokenizer.model"), nothing.errors.constData());
  }

  void generateWritesTheTextAlone() {
    const QStringList call = {"generate", demo("model"), "--prompt", "Description:", "--max-tokens", "8"};
    const test::NsmithResult text = test::runNsmith(m_folder, call);
    QCOMPARE(text.exitCode, 0);
    QVERIFY(!text.output.trimmed().isEmpty());
    const base::Json json = test::runNsmith(m_folder, call + QStringList{"--json"}).json();
    QCOMPARE(text.output, QByteArray::fromStdString(json["text"].get<std::string>()) + '\n');
    QVERIFY(json["ids"].size() <= 8);
  }

  void sameArtifactAtAnyNumberOfThreads() {
    const std::string one = sha(gptq(path("one"), 1));
    QVERIFY(!one.empty());
    QCOMPARE(sha(gptq(path("two"), 2)), one);
    QCOMPARE(sha(gptq(path("five"), 5)), one);
    QStringList other = gptq(path("other"), 1);
    other[other.indexOf("4")] = "3";
    QVERIFY(sha(other) != one);
  }

  void sameArtifactAfterKillAndResume() {
    const std::string whole = sha(gptq(path("whole"), 2));
    QVERIFY(!whole.empty());
    const QString out = path("killed");
    QProcess process;
    process.start(test::nsmithProgram(), gptq(out, 1) + QStringList{"--log", path("log.db"), "--quiet"});
    const QDir partial(out + ".partial");
    // Kills the program when at least one block, but not the artifact, has been written.
    for (int wait = 0; wait < 3000 && partial.entryList({"block-*"}, QDir::Files).isEmpty(); ++wait)
      QThread::msleep(10);
    ::kill(static_cast<pid_t>(process.processId()), SIGKILL);
    process.waitForFinished();
    QVERIFY2(!partial.entryList({"block-*"}, QDir::Files).isEmpty(),
             "the run ended before it could be killed");
    QVERIFY(!QFile::exists(out));
    QCOMPARE(sha(gptq(out, 2)), whole);
    QVERIFY(!partial.exists());
  }

  void anInterruptIsACancel() {
    QProcess process;
    QStringList call = gptq(path("interrupted"), 1);
    call[call.indexOf("16")] = "512";
    process.start(test::nsmithProgram(), call + QStringList{"--log", path("log.db"), "--quiet"});
    QVERIFY(process.waitForStarted());
    QThread::msleep(1500);
    ::kill(static_cast<pid_t>(process.processId()), SIGINT);
    QVERIFY(process.waitForFinished(5000));
    QCOMPARE(process.exitCode(), 130);
    QVERIFY(!QFile::exists(path("interrupted")));
  }

  void evaluatesExportsAndMeasuresAnArtifact() {
    QCOMPARE(test::runNsmith(m_folder, gptq(path("artifact"), 2)).exitCode, 0);
    const auto perplexity = [&](const QString& artifact) {
      const auto result =
          test::runNsmith(m_folder, {"eval", artifact, "--text", demo("heldout.txt"), "--context", "256",
                                     "--pairs", demo("pairs/synopsis.jsonl"), "--limit", "3", "--json"});
      return result.exitCode == 0 ? result.json()["perplexity"]["value"].get<double>() : -1.0;
    };
    const double baseline = perplexity(demo("model"));
    const double artifact = perplexity(path("artifact"));
    QVERIFY(baseline > 1);
    QVERIFY2(artifact > baseline * 0.99 && artifact < baseline * 1.5, qPrintable(QString::number(artifact)));

    const auto exported = test::runNsmith(m_folder, {"export", path("artifact"), "--format", "gguf", "--type",
                                                     "Q4_0", "--out", path("artifact.gguf"), "--json"});
    QVERIFY2(exported.exitCode == 0, exported.errors.constData());
    QVERIFY(exported.json()["passed"].get<bool>());
    // Linears are transferred without loss; only the embedding is stored with less precision.
    const double gguf = perplexity(path("artifact.gguf"));
    QVERIFY2(std::abs(gguf - artifact) < artifact * 0.01, qPrintable(QString::number(gguf)));

    const auto bench = test::runNsmith(m_folder, {"bench", path("artifact.gguf"), "--prompt-tokens", "16",
                                                  "--generated-tokens", "4", "--repetitions", "2", "--json"});
    QVERIFY2(bench.exitCode == 0, bench.errors.constData());

    const base::Json runs = test::runNsmith(m_folder, {"runs", "--json"}).json();
    bool found = false;
    for (const base::Json& row : runs)
      found |= row["artifact"] == "GPTQ 4-bit g128, 16 samples, length 128" &&
               row["metrics"].contains("perplexity");
    QVERIFY(found);
  }

  /// An artifact that was replaced after its measurement is refused by --expect.
  void whatWasMeasuredIsWhatIsUsed() {
    const QString recipe =
        QString::fromStdString(test::projectFile("resources/recipes/10-rtn-4bit.json").string());
    const auto quantize = [&](const QStringList& more) {
      return test::runNsmith(
          m_folder,
          QStringList{"quantize", demo("model"), "--recipe", recipe, "--out", path("same"), "--json"} + more);
    };
    const base::Json four = quantize({}).json();
    QCOMPARE(four["name"].get<std::string>(), std::string("RTN 4-bit g128"));
    const std::string identity = four["sha256"].get<std::string>();
    const test::NsmithResult refused = quantize({"--bits", "3"});
    QCOMPARE(refused.exitCode, 1);
    QVERIFY2(refused.errors.contains("'RTN 4-bit g128'") && refused.errors.contains("--replace"),
             refused.errors.constData());
    const auto evaluate = [&](const std::string& expected) {
      return test::runNsmith(m_folder,
                             {"eval", path("same"), "--pairs", demo("pairs/synopsis.jsonl"), "--limit", "1",
                              "--expect", QString::fromStdString(expected.substr(0, 12))});
    };
    QCOMPARE(evaluate(identity).exitCode, 0);
    const base::Json three = quantize({"--bits", "3", "--replace"}).json();
    QCOMPARE(three["name"].get<std::string>(), std::string("RTN 3-bit g128"));
    for (const QStringList& call :
         {QStringList{"eval", path("same"), "--pairs", demo("pairs/synopsis.jsonl")},
          QStringList{"bench", path("same")},
          QStringList{"export", path("same"), "--type", "Q4_0", "--out", path("same.gguf")}}) {
      const test::NsmithResult result = test::runNsmith(
          m_folder, call + QStringList{"--expect", QString::fromStdString(identity.substr(0, 8))});
      QCOMPARE(result.exitCode, 1);
      QVERIFY2(result.errors.contains("'RTN 4-bit g128'") && result.errors.contains("'RTN 3-bit g128'"),
               result.errors.constData());
    }
    QVERIFY(!QFile::exists(path("same.gguf")));
    QCOMPARE(evaluate(three["sha256"].get<std::string>()).exitCode, 0);
    QCOMPARE(evaluate("0123456789abcdef").exitCode, 1);
    QCOMPARE(test::runNsmith(m_folder, {"bench", path("same"), "--expect", "abc"}).exitCode, 2);
  }

  void everyRunIsListed() {
    const QTemporaryDir folder;
    test::runNsmith(folder, {"quantize", demo("model"), "--method", "rtn", "--bits", "99", "--name",
                             "too wide", "--out", folder.filePath("x")});
    test::runNsmith(folder, {"bench", folder.filePath("absent")});
    QVERIFY(test::runNsmith(folder, {"runs", "--json"}).json().empty());
    const base::Json runs = test::runNsmith(folder, {"runs", "--all", "--json"}).json();
    QCOMPARE(runs.size(), size_t{2});
    QCOMPARE(runs[0]["run"].get<std::string>(), std::string("quantize"));
    QCOMPARE(runs[0]["status"].get<std::string>(), std::string("failed"));
    QCOMPARE(runs[0]["artifact"].get<std::string>(), std::string("too wide"));
    QVERIFY(runs[0]["error"].get<std::string>().find("bits") != std::string::npos);
    QCOMPARE(runs[1]["run"].get<std::string>(), std::string("benchmark"));
    const QByteArray table = test::runNsmith(folder, {"runs", "--all"}).output;
    QVERIFY2(table.contains("too wide") && table.contains("failed") && table.contains("absent"),
             table.constData());
  }

  /// Quantizes on a file system of one megabyte, which an unprivileged user can mount in a namespace.
  void refusesTooLittleSpaceBeforeTheWork() {
    const QTemporaryDir folder;
    QProcess process;
    const QString script =
        QStringLiteral("mount -t tmpfs -o size=1m none '%1' || exit 77; '%2' quantize '%3' "
                       "--method rtn --bits 4 --out '%1/x' --log '%4'; code=$?; "
                       "[ -z \"$(ls -A '%1')\" ] || exit 78; exit $code")
            .arg(folder.path(), test::nsmithProgram(), demo("model"), path("space.db"));
    process.start(QStringLiteral("unshare"), {"-rm", "sh", "-c", script});
    if (!process.waitForStarted() || !process.waitForFinished(60'000) || process.exitCode() == 77)
      QSKIP("no file system can be mounted here (unshare)");
    const QByteArray errors = process.readAllStandardError();
    if (errors.contains("unshare failed"))
      QSKIP("no user namespaces here");
    QVERIFY2(process.exitCode() == 1, errors.constData());
    QVERIFY2(errors.contains("too little space") && errors.contains("MiB free"), errors.constData());
    QVERIFY2(!errors.contains("block 1"), errors.constData());
  }

  void rotatedModelsAreExported() {
    // Neither method needs calibration text.
    const auto quantized = test::runNsmith(
        m_folder, {"quantize", demo("model"), "--transform", "rotation", "--rotation-seed", "3", "--method",
                   "hqq", "--bits", "4", "--group-size", "64", "--out", path("rotated"), "--json"});
    QVERIFY2(quantized.exitCode == 0, quantized.errors.constData());
    QCOMPARE(quantized.json()["notes"].size(), size_t{1});
    const auto exported = test::runNsmith(m_folder, {"export", path("rotated"), "--format", "gguf", "--type",
                                                     "Q8_0", "--out", path("rotated.gguf"), "--json"});
    QVERIFY2(exported.exitCode == 0, exported.errors.constData());
    QVERIFY(exported.json()["passed"].get<bool>());
    const auto perplexity = [&](const QString& model) {
      const auto result = test::runNsmith(
          m_folder, {"eval", model, "--text", demo("heldout.txt"), "--context", "256", "--json"});
      return result.exitCode == 0 ? result.json()["perplexity"]["value"].get<double>() : -1.0;
    };
    const double baseline = perplexity(demo("model"));
    for (const char* model : {"rotated", "rotated.gguf"}) {
      const double found = perplexity(path(model));
      QVERIFY2(found > baseline * 0.99 && found < baseline * 1.05, qPrintable(QString::number(found)));
    }
  }

  void bitsAreChosenForATarget() {
    const QStringList recipe = {"--method", "rtn", "--bits", "4", "--group-size", "64"};
    const auto measured = test::runNsmith(
        m_folder,
        QStringList{"sensitivity", demo("model"), "--calibration", demo("calibration.json"), "--measure",
                    "outputError", "--sequences", "2", "--tokens", "64", "--target-bits", "3.5", "--out",
                    path("sensitivity.json"), "--write-recipe", path("recipe.json"), "--json"} +
            recipe);
    QVERIFY2(measured.exitCode == 0, measured.errors.constData());
    const base::Json allocation = measured.json()["allocation"];
    QVERIFY(allocation["averageBits"].get<double>() > 3.3 && allocation["averageBits"].get<double>() <= 3.5);

    const std::string fromRecipe =
        sha({"quantize", demo("model"), "--recipe", path("recipe.json"), "--out", path("mixed"), "--json"});
    const auto direct = test::runNsmith(m_folder, QStringList{"quantize", demo("model"), "--sensitivity",
                                                              path("sensitivity.json"), "--target-bits",
                                                              "3.5", "--out", path("direct"), "--json"} +
                                                      recipe);
    QVERIFY2(direct.exitCode == 0, direct.errors.constData());
    QCOMPARE(direct.json()["sha256"].get<std::string>(), fromRecipe);
    const base::Json layers = direct.json()["layers"];
    QCOMPARE(layers.size(), allocation["bits"].size());
    for (size_t l = 0; l < layers.size(); ++l)
      QVERIFY(layers[l]["effective"].get<std::string>().starts_with(
          std::to_string(allocation["bits"][l].get<int>()) + "-bit"));

    const auto tooSmall = test::runNsmith(m_folder, QStringList{"quantize", demo("model"), "--sensitivity",
                                                                path("sensitivity.json"), "--target-bits",
                                                                "1", "--out", path("none")} +
                                                        recipe);
    QCOMPARE(tooSmall.exitCode, 1);
    QVERIFY(tooSmall.errors.contains("target bits"));
  }
};

NIB_TEST(NsmithTest)
#include "nsmith_test.moc"
