// SPDX-License-Identifier: Apache-2.0
// Named pipes, devices, directories, sparse files and links in every place where nsmith reads a file: each is
// refused within the limits, in words that name it.
#include "limited_process.hpp"
#include "model_folder.hpp"
#include "nib_test.hpp"
#include "special_files.hpp"

#include <QtTest>

#include <map>

using namespace nibblesmith;
using test::Layout;
using test::SpecialFile;
namespace fs = std::filesystem;

namespace {

/// File of a model directory and a command that reads it.
struct Place {
  const char* file;
  Layout layout;
  /// "MODEL" stands for the model directory, "OUT" for a directory that does not exist.
  QStringList call;
};

const QStringList kInspect = {"inspect", "MODEL"};
const QStringList kTokenize = {"tokenize", "MODEL", "--text", "a b"};
const QStringList kQuantize = {"quantize", "MODEL", "--method", "rtn", "--out", "OUT"};

const std::vector<Place>& places() {
  static const std::vector<Place> all = {
      {"config.json", Layout::SentencePiece, kInspect},
      {"generation_config.json", Layout::SentencePiece, kInspect},
      {"model.safetensors", Layout::SentencePiece, kInspect},
      {"quantize_config.json", Layout::SentencePiece, kInspect},
      {"quant_config.json", Layout::SentencePiece, kInspect},
      {"README.md", Layout::SentencePiece, kInspect},
      {"nibblesmith.json", Layout::SentencePiece, kInspect},
      {"model.safetensors.index.json", Layout::Sharded, kInspect},
      {test::kShard, Layout::Sharded, kInspect},
      {"tokenizer.model", Layout::SentencePiece, kTokenize},
      {"tokenizer_config.json", Layout::SentencePiece, kTokenize},
      {"special_tokens_map.json", Layout::SentencePiece, kTokenize},
      {"tokenizer.json", Layout::TokenizerJson, kTokenize},
      {"vocab.json", Layout::VocabularyFiles, kTokenize},
      {"merges.txt", Layout::VocabularyFiles, kTokenize},
      {"added_tokens.json", Layout::VocabularyFiles, kTokenize},
      // Copied into the artifact, although some are not read otherwise.
      {"chat_template.jinja", Layout::SentencePiece, kQuantize},
      {"chat_template.json", Layout::SentencePiece, kQuantize},
      {"merges.txt", Layout::SentencePiece, kQuantize},
  };
  return all;
}

constexpr std::array kKinds = {SpecialFile::NamedPipe, SpecialFile::Directory, SpecialFile::EndlessDeviceLink,
                               SpecialFile::Socket,    SpecialFile::LinkLoop,  SpecialFile::SparseFile};

} // namespace

class SpecialFilesTest : public QObject {
  Q_OBJECT

private:
  QTemporaryDir m_root;
  std::map<Layout, fs::path> m_models;

  fs::path path(const std::string& name) const { return fs::path(m_root.path().toStdString()) / name; }

  const fs::path& model(Layout layout) {
    fs::path& folder = m_models[layout];
    if (folder.empty()) {
      folder = path("model" + std::to_string(static_cast<int>(layout)));
      test::makeModelFolder(layout, folder);
    }
    return folder;
  }

  /// Expects one sentence that contains the words and no terminal control characters.
  static void expectRefusal(const test::LimitedResult& result, const std::vector<std::string>& words) {
    QVERIFY2(result.ended, "did not end by itself within the limits");
    QVERIFY2(result.exitCode == 1, result.errors + result.output);
    for (const std::string& word : words)
      QVERIFY2(result.errors.contains(word.c_str()),
               (word.c_str() + QByteArray(" not in: ") + result.errors));
    QVERIFY2(result.errors.size() < 4000 && result.errors.count('\n') <= 2, result.errors);
    QVERIFY(result.output.isEmpty());
  }

private slots:
  void everyPlace_data() {
    QTest::addColumn<int>("place");
    QTest::addColumn<int>("kind");
    for (size_t i = 0; i < ::places().size(); ++i)
      for (const SpecialFile kind : kKinds)
        QTest::addRow("%s of %s: %s", ::places()[i].file, qPrintable(::places()[i].call[0]),
                      test::nameOf(kind))
            << static_cast<int>(i) << static_cast<int>(kind);
  }
  void everyPlace() {
    QFETCH(int, place);
    QFETCH(int, kind);
    const Place& where = ::places()[static_cast<size_t>(place)];
    const auto special = static_cast<SpecialFile>(kind);
    const fs::path folder = model(where.layout);
    const fs::path file = folder / where.file;
    const fs::path aside = path("aside");
    const bool isThere = fs::exists(file);
    if (isThere)
      fs::rename(file, aside);
    const bool made = test::makeSpecial(special, file);
    QStringList call = where.call;
    call.replaceInStrings("MODEL", QString::fromStdString(folder.string()));
    call.replaceInStrings("OUT", QString::fromStdString(path("out").string()));
    const test::LimitedResult result = made ? test::runLimited(m_root, call) : test::LimitedResult();
    fs::remove_all(file);
    if (isThere)
      fs::rename(aside, file);
    if (!made)
      QSKIP("this file cannot be made here");
    // Only the beginning of a README is read; zeros are valid there.
    const bool isFine = special == SpecialFile::SparseFile && std::string(where.file) == "README.md";
    if (isFine)
      QVERIFY2(result.ended && result.exitCode == 0, result.errors);
    else
      // A link that leaves the directory is rejected before its target is examined.
      expectRefusal(result, {where.file, special == SpecialFile::EndlessDeviceLink && where.call == kQuantize
                                             ? "symbolic link to '/dev/zero'"
                                             : test::kindOf(special)});
    QVERIFY(!fs::exists(path("out")));
  }

  void undamagedFoldersAreRead() {
    for (const Place& where : ::places()) {
      if (where.call == kQuantize)
        continue;
      QStringList call = where.call;
      call.replaceInStrings("MODEL", QString::fromStdString(model(where.layout).string()));
      const test::LimitedResult result = test::runLimited(m_root, call);
      QVERIFY2(result.exitCode == 0, where.file + QByteArray(": ") + result.errors);
    }
  }

  void otherInputs_data() {
    QTest::addColumn<QStringList>("call");
    QTest::addColumn<int>("kind");
    const std::map<const char*, QStringList> calls = {
        {"text", {"eval", "MODEL", "--text", "INPUT"}},
        {"pairs", {"eval", "MODEL", "--pairs", "INPUT"}},
        {"calibration", {"quantize", "MODEL", "--method", "gptq", "--calibration", "INPUT", "--out", "OUT"}},
        {"recipe", {"quantize", "MODEL", "--recipe", "INPUT", "--out", "OUT"}},
        {"sensitivity",
         {"quantize", "MODEL", "--method", "rtn", "--sensitivity", "INPUT", "--target-bits", "4", "--out",
          "OUT"}},
        {"log", {"eval", "MODEL", "--text", "TEXT", "--log", "INPUT"}},
        {"GGUF file", {"inspect", "INPUT"}}};
    for (const auto& [name, call] : calls)
      for (const SpecialFile kind :
           {SpecialFile::NamedPipe, SpecialFile::EndlessDeviceLink, SpecialFile::SparseFile})
        QTest::addRow("%s: %s", name, test::nameOf(kind)) << call << static_cast<int>(kind);
  }
  void otherInputs() {
    QFETCH(QStringList, call);
    QFETCH(int, kind);
    const auto special = static_cast<SpecialFile>(kind);
    const fs::path input = path("input");
    QVERIFY(test::makeSpecial(special, input));
    call.replaceInStrings("MODEL", QString::fromStdString(model(Layout::SentencePiece).string()));
    call.replaceInStrings("INPUT", QString::fromStdString(input.string()));
    call.replaceInStrings("OUT", QString::fromStdString(path("out").string()));
    call.replaceInStrings("TEXT",
                          QString::fromStdString(test::projectFile("resources/demo/heldout.txt").string()));
    expectRefusal(test::runLimited(m_root, call), {input.string(), test::kindOf(special)});
    QVERIFY(!fs::exists(path("out")));
    fs::remove_all(input);
  }

  // No byte of a linked private file may get into the artifact.
  void linksToPrivateFiles_data() {
    QTest::addColumn<QByteArray>("file");
    for (const char* file : {"vocab.json", "merges.txt", "tokenizer_config.json", "chat_template.jinja",
                             "generation_config.json", "added_tokens.json"})
      QTest::newRow(file) << QByteArray(file);
  }
  void linksToPrivateFiles() {
    QFETCH(QByteArray, file);
    const fs::path folder = path("linked");
    test::makeModelFolder(Layout::SentencePiece, folder);
    const fs::path secret = path("home") / "credentials";
    test::writeBytes(secret, R"({"token": "hunter2"})");
    fs::remove(folder / file.toStdString());
    fs::create_symlink(secret, folder / file.toStdString());
    const auto result =
        test::runLimited(m_root, {"quantize", QString::fromStdString(folder.string()), "--method", "rtn",
                                  "--out", QString::fromStdString(path("out").string())});
    expectRefusal(result, {file.toStdString(), "symbolic link", secret.string(), "copy"});
    QVERIFY(!result.errors.contains("hunter2"));
    QVERIFY(!fs::exists(path("out")));
    fs::remove_all(folder);
  }
};

NIB_TEST(SpecialFilesTest)
#include "special_files_test.moc"
