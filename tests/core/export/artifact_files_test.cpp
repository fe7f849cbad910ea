// SPDX-License-Identifier: Apache-2.0
#include "base/hash.hpp"
#include "base/input_file.hpp"
#include "export/artifact_files.hpp"
#include "export/tokenizer_files.hpp"
#include "nib_test.hpp"

#include "test_data.hpp"

#include <fstream>
#include <set>

#include <QProcess>
#include <QRegularExpression>
#include <QTemporaryDir>
#include <QTest>

using namespace nibblesmith;
namespace fs = std::filesystem;

class ArtifactFilesTest : public QObject {
  Q_OBJECT

  std::unique_ptr<QTemporaryDir> m_folder;

  fs::path root() const { return m_folder->path().toStdString(); }

  fs::path copyOfModel(const std::string& name) const {
    fs::copy(test::projectFile("resources/demo/model"), root() / name);
    return root() / name;
  }

  static exporting::ArtifactFiles identify(const fs::path& path) {
    return exporting::identifyFiles(*checkpoint::openCheckpoint(path),
                                    [](const fs::path& file) { return base::sha256OfPath(file); });
  }

  static void append(const fs::path& file, const std::string& text) {
    std::ofstream(file, std::ios::binary | std::ios::app) << text;
  }

  /// Changes one byte, so that the file can still be opened.
  static void change(const fs::path& file) {
    if (file.extension() != ".safetensors") {
      append(file, " ");
      return;
    }
    std::fstream bytes(file, std::ios::binary | std::ios::in | std::ios::out);
    bytes.seekg(-1, std::ios::end);
    const char last = static_cast<char>(bytes.get());
    bytes.seekp(-1, std::ios::end);
    bytes.put(static_cast<char>(last ^ 1));
  }

private slots:
  void init() { m_folder = std::make_unique<QTemporaryDir>(); }

  void theIdentityIsTheContentAlone() {
    const exporting::ArtifactFiles first = identify(copyOfModel("first"));
    QCOMPARE(first.sha256.size(), size_t{64});
    QCOMPARE(first.digests.size(), size_t{6});
    const exporting::ArtifactFiles second = identify(copyOfModel("another name"));
    QCOMPARE(second.sha256, first.sha256);
    QCOMPARE(second.digests, first.digests);
  }

  /// Every file name in the sources of checkpoint, model and tokenizer, and every file that is copied into
  /// artifacts.
  void everyNameInTheReadersCounts_data() {
    QTest::addColumn<QString>("name");
    std::set<QString> names;
    for (const exporting::SideFile& file : exporting::tokenizerFiles())
      names.insert(QString::fromUtf8(file.name));
    const QRegularExpression literal(
        QStringLiteral("\"([A-Za-z0-9_]+(\\.[A-Za-z0-9_]+)*\\.(json|txt|model|jinja|tiktoken))\""));
    for (const char* folder : {"core/checkpoint", "core/model", "core/tokenizer"})
      for (const auto& entry : fs::recursive_directory_iterator(test::projectFile(folder))) {
        if (entry.path().extension() != ".cpp")
          continue;
        const QString source = QString::fromStdString(base::readTextFile(entry.path()));
        for (auto match = literal.globalMatch(source); match.hasNext();)
          names.insert(match.next().captured(1));
      }
    QVERIFY(names.contains(QStringLiteral("qwen.tiktoken")) &&
            names.contains(QStringLiteral("quant_config.json")));
    for (const QString& name : names)
      QTest::newRow(qPrintable(name)) << name;
  }
  void everyNameInTheReadersCounts() {
    QFETCH(QString, name);
    const auto model = checkpoint::openCheckpoint(copyOfModel("model"));
    const fs::path file = model->path / name.toStdString();
    const auto identity = [&] {
      return exporting::identifyFiles(*model, [](const fs::path& path) { return base::sha256OfPath(path); });
    };
    append(file, " ");
    const std::string before = identity().sha256;
    append(file, " ");
    QVERIFY(identity().sha256 != before);
  }

  /// A sparse file needs no space, but hours to hash.
  void filesThatNoReaderAcceptsAreRefusedUnread_data() {
    QTest::addColumn<QString>("name");
    for (const exporting::SideFile& file : exporting::tokenizerFiles())
      QTest::newRow(file.name) << file.name;
    QTest::newRow("nibblesmith.json") << "nibblesmith.json";
  }
  void filesThatNoReaderAcceptsAreRefusedUnread() {
    QFETCH(QString, name);
    const auto model = checkpoint::openCheckpoint(copyOfModel("model"));
    const fs::path file = model->path / name.toStdString();
    append(file, " ");
    fs::resize_file(file, uintmax_t{1} << 40);
    try {
      exporting::identifyFiles(*model, [](const fs::path&) { return std::string("read"); });
      QFAIL("was accepted");
    } catch (const base::Error& error) {
      const std::string told = error.what();
      QVERIFY2(told.find(file.string()) != std::string::npos, told.c_str());
      QVERIFY2(told.find("expected at most") != std::string::npos, told.c_str());
      QVERIFY2(told.find("found 1099511627776") != std::string::npos, told.c_str());
    }
  }

  void everyFileThatIsReadCounts_data() {
    QTest::addColumn<QString>("name");
    for (const char* name : {"config.json", "generation_config.json", "model.safetensors", "tokenizer.model",
                             "tokenizer_config.json", "special_tokens_map.json"})
      QTest::newRow(name) << name;
    // Files that did not exist before: tokenizer and chat template are read from them if present.
    for (const char* name :
         {"tokenizer.json", "added_tokens.json", "chat_template.jinja", "nibblesmith.json"})
      QTest::newRow(name) << name;
  }
  void everyFileThatIsReadCounts() {
    QFETCH(QString, name);
    const fs::path model = copyOfModel("model");
    const exporting::ArtifactFiles before = identify(model);
    change(model / name.toStdString());
    const exporting::ArtifactFiles after = identify(model);
    QVERIFY(after.sha256 != before.sha256);
    QCOMPARE(QString::fromStdString(exporting::differingFiles(before.digests, after.digests)), name);
  }

  void filesThatNobodyReadsDoNotCount() {
    const fs::path model = copyOfModel("model");
    const std::string before = identify(model).sha256;
    append(model / "README.md", "holiday");
    append(model / "photo.jpg", "holiday");
    fs::create_directories(model / ".git/objects");
    append(model / ".git/objects/config.json", "{}");
    QCOMPARE(identify(model).sha256, before);
  }

  /// The identity equals the output of sha256sum, so users can compute it.
  void itIsWhatSha256sumPrints() {
    const fs::path model = copyOfModel("model");
    QProcess shell;
    shell.setWorkingDirectory(QString::fromStdString(model.string()));
    shell.start(QStringLiteral("sh"),
                {QStringLiteral("-c"), QStringLiteral("LC_ALL=C sha256sum * | sha256sum | cut -d ' ' -f 1")});
    QVERIFY(shell.waitForFinished());
    QCOMPARE(shell.readAllStandardOutput().trimmed(), QByteArray::fromStdString(identify(model).sha256));
  }

  void aGgufFileIsItsDigest() {
    const fs::path gguf = test::sharedData("stories260K/stories260K.f32.gguf");
    NIB_REQUIRE_DATA(gguf);
    const exporting::ArtifactFiles files = identify(gguf);
    QCOMPARE(files.sha256, base::sha256OfPath(gguf));
    fs::copy(gguf, root() / "renamed.gguf");
    QCOMPARE(identify(root() / "renamed.gguf").sha256, files.sha256);
  }

  void whatDiffersIsNamed() {
    using Digests = std::map<std::string, std::string>;
    const Digests files = {{"a", "1"}, {"b", "2"}, {"c", "3"}};
    QCOMPARE(exporting::differingFiles(files, files), std::string());
    QCOMPARE(exporting::differingFiles(files, {{"a", "1"}, {"b", "9"}, {"c", "3"}}), std::string("b"));
    QCOMPARE(exporting::differingFiles(files, {{"a", "1"}, {"d", "4"}, {"c", "3"}}), std::string("b and d"));
    QCOMPARE(exporting::differingFiles(files, {}), std::string("a, b and c"));
    QCOMPARE(exporting::differingFiles(files, {{"x", ""}, {"y", ""}}), std::string("a, b, c and 2 more"));
  }
};

NIB_TEST(ArtifactFilesTest)
#include "artifact_files_test.moc"
