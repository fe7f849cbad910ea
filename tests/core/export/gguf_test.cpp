// SPDX-License-Identifier: Apache-2.0
#include "export/gguf.hpp"

#include "base/hash.hpp"
#include "nib_test.hpp"
#include "processes.hpp"
#include "relabelled_tokenizer.hpp"
#include "test_data.hpp"
#include "tiny_model.hpp"

#include <QTemporaryDir>
#include <QtTest>

#include <csignal>
#include <functional>
#include <optional>
#include <sys/resource.h>
#include <sys/stat.h>

using namespace nibblesmith;
using exporting::GgufType;
namespace fs = std::filesystem;

Q_DECLARE_METATYPE(GgufType)

class GgufTest : public QObject {
  Q_OBJECT

private:
  std::unique_ptr<QTemporaryDir> m_directory;
  fs::path at(const char* name) const { return fs::path(m_directory->path().toStdString()) / name; }
  exporting::Audit write(const fs::path& from, GgufType type, const fs::path& out) {
    const auto model = model::openModel(from);
    base::NoProgress progress;
    return exporting::exportGguf(*model, *tokenizer::loadTokenizer(model->checkpoint()), type,
                                 test::replacing(out), {}, progress);
  }
  exporting::Audit audit(const fs::path& from, GgufType type, const fs::path& file) {
    const auto model = model::openModel(from);
    return exporting::auditGguf(*model, *tokenizer::loadTokenizer(model->checkpoint()), type, file, {});
  }
  /// Writes an artifact of random codes from a random model.
  void makeArtifact(const base::Json& grid, const std::string& method = "random",
                    const test::TinyShape& shape = {}) {
    test::writeTinyModel(at("source"), shape);
    const auto quantized = test::quantizeRandomly(at("source"), at("work"), grid, method);
    base::NoProgress progress;
    QVERIFY(exporting::writeArtifact(quantized, at("artifact"), {}, progress).passed);
  }

  /// Writes a model with 450 rows and one of the golden tokenizers.
  void makeModelWith(const std::string& golden) {
    test::TinyShape shape;
    shape.vocabulary = 450;
    test::writeTinyModel(at("source"), shape);
    fs::copy_file(test::projectFile("tests/golden/tokenizer") / golden / "tokenizer.model",
                  at("source") / "tokenizer.model", fs::copy_options::overwrite_existing);
  }

private slots:
  void init() {
    m_directory = std::make_unique<QTemporaryDir>();
    QVERIFY(m_directory->isValid());
  }

  void denseModel_data() {
    QTest::addColumn<GgufType>("type");
    QTest::addColumn<bool>("tied");
    QTest::addColumn<double>("error"); // error of values up to about 0.45, standard deviation 0.1
    QTest::newRow("F16") << GgufType::F16 << true << 0.0;
    QTest::newRow("F16, own head") << GgufType::F16 << false << 0.0;
    QTest::newRow("Q8_0") << GgufType::Q8_0 << false << 0.0025;
    QTest::newRow("Q4_0") << GgufType::Q4_0 << true << 0.07;
    QTest::newRow("Q4_1") << GgufType::Q4_1 << true << 0.04;
  }
  void denseModel() {
    QFETCH(GgufType, type);
    QFETCH(bool, tied);
    QFETCH(double, error);
    test::TinyShape shape;
    shape.tied = tied;
    test::writeTinyModel(at("source"), shape);
    const exporting::Audit audit = write(at("source"), type, at("model.gguf"));
    QVERIFY2(audit.passed, audit.detail.c_str());
    QVERIFY2(audit.maxAbsoluteError <= error, std::to_string(audit.maxAbsoluteError).c_str());
    QVERIFY(type == GgufType::F16 || audit.maxAbsoluteError > error / 10);
    QCOMPARE(audit.tensors, int64_t{tied ? 20 : 21});

    const auto before = model::openModel(at("source")), after = model::openModel(at("model.gguf"));
    QCOMPARE(after->config().headDim, before->config().headDim);
    QCOMPARE(after->config().tiedEmbeddings, tied);
    const tensor::Matrix expected = model::toMatrix(before->block(1).linear(model::LinearRole::Query).weight);
    const tensor::Matrix found = model::toMatrix(after->block(1).linear(model::LinearRole::Query).weight);
    QVERIFY((expected - found).cwiseAbs().maxCoeff() <= static_cast<float>(error));
    const auto tokenizer = tokenizer::loadTokenizer(after->checkpoint());
    QCOMPARE(tokenizer->vocabulary().scores, test::tinyVocabulary().scores);
    QCOMPARE(tokenizer->encode("a the", true),
             tokenizer::loadTokenizer(before->checkpoint())->encode("a the", true));
    QVERIFY(after->checkpoint().config.contains("tokenizer.chat_template"));
  }

  void unigramVocabulariesComeBack_data() {
    QTest::addColumn<QString>("golden");
    QTest::addColumn<bool>("bytes");
    QTest::newRow("with bytes") << "sentencepiece_unigram" << true;
    QTest::newRow("with replacements") << "sentencepiece_unigram_rules" << false;
  }
  void unigramVocabulariesComeBack() {
    QFETCH(QString, golden);
    QFETCH(bool, bytes);
    makeModelWith(golden.toStdString());
    const exporting::Audit audit = write(at("source"), GgufType::F16, at("model.gguf"));
    QVERIFY2(audit.passed, audit.detail.c_str());
    QCOMPARE(audit.detail.find("unknown characters") != std::string::npos, bytes);
    QVERIFY2((audit.detail.find("blanks alone") != std::string::npos) == bytes, audit.detail.c_str());
    const auto file = checkpoint::openCheckpoint(at("model.gguf"));
    const auto source = tokenizer::loadTokenizer(*checkpoint::openCheckpoint(at("source"))),
               found = tokenizer::loadTokenizer(*file);
    QCOMPARE(found->vocabularySize(), 450);
    auto bare = *file;
    for (const char* key : {"precompiled_charsmap", "remove_extra_whitespaces"})
      bare.config.erase(std::string("tokenizer.ggml.") + key);
    const auto untreated = tokenizer::loadTokenizer(bare);
    int different = 0;
    const base::Json rows =
        base::readJsonFile(test::projectFile("tests/golden/tokenizer") / golden.toStdString() / "ids.json")
            .at("rows");
    for (const base::Json& row : rows) {
      const auto text = row.at("text").get<std::string>();
      // llama.cpp adds no space before a text of only spaces, and the audit reports it.
      if (!text.empty() && text.find_first_not_of(' ') == std::string::npos) {
        QCOMPARE(found->encode(text, true) != source->encode(text, true), bytes);
        continue;
      }
      QCOMPARE(found->encode(text, false), row.at("ids").get<std::vector<tokenizer::TokenId>>());
      QCOMPARE(found->encode(text, true), source->encode(text, true));
      different += untreated->encode(text, false) != found->encode(text, false);
    }
    QCOMPARE(different > 5, !bytes);
  }

  void unigramsThatGgufCannotHoldAreRefused() {
    makeModelWith("sentencepiece_unigram_rules");
    const auto model = model::openModel(at("source"));
    const auto usual = tokenizer::loadTokenizer(model->checkpoint());
    const auto refusal = [&](const std::function<void(tokenizer::Vocabulary&)>& change) -> std::string {
      base::NoProgress progress;
      try {
        exporting::exportGguf(*model, test::Relabelled(usual, change), GgufType::F16, at("model.gguf"), {},
                              progress);
      } catch (const base::Error& error) {
        return error.code() == base::ErrorCode::NotSupported && !fs::exists(at("model.gguf")) ? error.what()
                                                                                              : "";
      }
      return {};
    };
    const auto has = [](const std::string& text, const char* word) {
      return text.find(word) != std::string::npos;
    };
    QVERIFY(has(refusal([](auto& vocabulary) { vocabulary.unsupportedNormalization = "something else"; }),
                "something else"));
    QVERIFY(has(refusal([](auto& vocabulary) { vocabulary.addSpacePrefix = false; }), "removes blanks"));
    QVERIFY(has(refusal([](auto& vocabulary) { vocabulary.unknown = -1; }), "unknown"));
    QVERIFY(has(refusal([](auto& vocabulary) { vocabulary.eos = -1; }), "a text's end"));
    QVERIFY(refusal([](auto&) {}).empty());
    // Text-related metadata is audited.
    for (const auto& change : std::vector<std::function<void(tokenizer::Vocabulary&)>>{
             [](auto& vocabulary) { vocabulary.charsMap.back() ^= 1; },
             [](auto& vocabulary) { vocabulary.collapseSpaces = false; },
             [](auto& vocabulary) { vocabulary.scores[5] += 1.0f; }}) {
      QVERIFY(
          !exporting::auditGguf(*model, test::Relabelled(usual, change), GgufType::F16, at("model.gguf"), {})
               .passed);
    }
    QVERIFY(exporting::auditGguf(*model, *usual, GgufType::F16, at("model.gguf"), {}).passed);
  }

  /// llama.cpp does not apply replacements for BPE models.
  void replacementsThatLlamaCppLeavesOutAreSaid() {
    makeModelWith("sentencepiece_nfkc");
    const exporting::Audit audit = write(at("source"), GgufType::F16, at("model.gguf"));
    QVERIFY2(audit.passed && audit.detail.find("replaces characters") != std::string::npos,
             audit.detail.c_str());
    test::writeTinyModel(at("plain"));
    QVERIFY(write(at("plain"), GgufType::F16, at("plain.gguf")).detail.find("replaces characters") ==
            std::string::npos);
  }

  /// A tokenizer that would give other ids from GGUF: the file must not get its name.
  void tokenizersThatBecomeOthersAreRefused() {
    test::writeTinyModel(at("source"));
    const auto model = model::openModel(at("source"));
    const auto usual = tokenizer::loadTokenizer(model->checkpoint());
    base::NoProgress progress;
    const auto detail = [&](const std::function<void(tokenizer::Vocabulary&)>& change) {
      const auto audit = exporting::exportGguf(*model, test::Relabelled(usual, change), GgufType::F16,
                                               at("model.gguf"), {}, progress);
      for (const auto& entry : fs::directory_iterator(m_directory->path().toStdString()))
        if (!audit.passed && entry.path().filename() != "source")
          return "left behind: " + entry.path().string();
      return audit.passed ? std::string() : audit.detail;
    };
    // Metadata is written and read back correctly, but the tokenizer behaves differently.
    const std::string prefix =
        detail([](tokenizer::Vocabulary& vocabulary) { vocabulary.addSpacePrefix = false; });
    QVERIFY2(prefix.find("a sentence: expected id") != std::string::npos, prefix.c_str());
    const std::string bos = detail([](tokenizer::Vocabulary& vocabulary) { vocabulary.addBos = false; });
    QVERIFY2(bos.find("expected id 1 as number 1") != std::string::npos, bos.c_str());
    QCOMPARE(detail([](tokenizer::Vocabulary&) {}), std::string());
  }

  /// llama.cpp has keys for three end tokens; other programs read a longer list.
  void tokensThatEndTextsComeBack() {
    for (const std::vector<int>& ends : {std::vector<int>{2}, {2, 7}, {7, 2, 9}, {2, 7, 9, 11}, {3}}) {
      test::writeTinyModel(at("source"));
      base::Json config = base::readJsonFile(at("source") / "config.json");
      config["eos_token_id"] = ends;
      base::writeFileAtomically(at("source") / "config.json", config.dump());
      const exporting::Audit audit = write(at("source"), GgufType::F16, at("model.gguf"));
      QVERIFY2(audit.passed, audit.detail.c_str());
      auto found = model::openModel(at("model.gguf"))->config().eos;
      for (const int token : ends)
        QVERIFY(std::ranges::count(found, token) == 1);
      // Includes the tokenizer's own.
      QCOMPARE(found.size(), ends.size() + (std::ranges::count(ends, 2) == 0));
    }
  }

  void gridsAreCarriedOver_data() {
    QTest::addColumn<int>("bits");
    QTest::addColumn<bool>("symmetric");
    QTest::addColumn<GgufType>("type");
    QTest::newRow("4-bit symmetric") << 4 << true << GgufType::Q4_0;
    QTest::newRow("3-bit symmetric") << 3 << true << GgufType::Q4_0;
    QTest::newRow("8-bit symmetric") << 8 << true << GgufType::Q8_0;
    QTest::newRow("4-bit asymmetric") << 4 << false << GgufType::Q4_1;
    QTest::newRow("6-bit asymmetric") << 6 << false << GgufType::Q8_0;
  }
  void gridsAreCarriedOver() {
    QFETCH(int, bits);
    QFETCH(bool, symmetric);
    QFETCH(GgufType, type);
    makeArtifact({{"bits", bits}, {"granularity", "group"}, {"groupSize", 32}, {"symmetric", symmetric}});
    const auto artifact = model::openModel(at("artifact"));
    QVERIFY(exporting::losslessGgufType(*artifact) == std::optional(type));
    const exporting::Audit audit = write(at("artifact"), type, at("model.gguf"));
    QVERIFY2(audit.passed, audit.detail.c_str());
    // Only the embedding is rounded.
    QVERIFY2(QString::fromStdString(audit.detail).contains(QStringLiteral(", 1 of them rounded")),
             audit.detail.c_str());
    const auto after = model::openModel(at("model.gguf"));
    for (size_t role = 0; role < 7; ++role) {
      const tensor::Matrix expected = model::toMatrix(artifact->block(0).linears[role].weight);
      const tensor::Matrix found = model::toMatrix(after->block(0).linears[role].weight);
      if (type == GgufType::Q4_1)
        QVERIFY((expected - found).cwiseAbs().maxCoeff() <= 15 * 0.011f * 0x1p-11f);
      else
        QVERIFY(expected == found);
    }
  }

  void codeBooksAreHalves() {
    for (const base::Json& grid :
         {base::Json{{"use", "nf4"}, {"groupSize", 32}}, base::Json{{"use", "learned"}, {"bits", 2}}}) {
      fs::remove_all(at("work"));
      fs::remove_all(at("source"));
      makeArtifact(grid);
      const auto artifact = model::openModel(at("artifact"));
      QVERIFY(exporting::losslessGgufType(*artifact) == std::optional(GgufType::F16));
      for (const GgufType type : {GgufType::F16, GgufType::Q4_0}) {
        const exporting::Audit audit = write(at("artifact"), type, at("model.gguf"));
        QVERIFY2(audit.passed, audit.detail.c_str());
        if (type == GgufType::F16)
          QCOMPARE(audit.maxAbsoluteError, 0.0);
        const bool isPacked = grid["use"] == "nf4";
        if (type == GgufType::Q4_0 && isPacked)
          QVERIFY2(audit.detail.find("14 F16, as code books map onto no block type") != std::string::npos,
                   audit.detail.c_str());
        const auto after = model::openModel(at("model.gguf"));
        for (size_t role = 0; role < 7; ++role)
          if (type == GgufType::F16 || isPacked)
            QVERIFY(model::toMatrix(artifact->block(0).linears[role].weight) ==
                    model::toMatrix(after->block(0).linears[role].weight));
      }
    }
  }

  void theKeyValueCacheGoesAlong() {
    makeArtifact({{"bits", 4}, {"granularity", "group"}, {"groupSize", 32}, {"symmetric", true}});
    base::Json config = base::readJsonFile(at("artifact") / "config.json");
    config["kv_cache"] = {{"use", "int8"}, {"groupSize", 16}};
    base::writeFileAtomically(at("artifact") / "config.json", config.dump());
    QVERIFY(write(at("artifact"), GgufType::Q4_0, at("model.gguf")).passed);
    const auto scheme = model::openModel(at("model.gguf"))->config().kvCache;
    QVERIFY(scheme.type == model::KvCacheScheme::Type::Int8 && scheme.groupSize == 16);
    // Another KV cache scheme is detected.
    config["kv_cache"]["groupSize"] = 32;
    base::writeFileAtomically(at("artifact") / "config.json", config.dump());
    QVERIFY(!audit(at("artifact"), GgufType::Q4_0, at("model.gguf")).passed);
  }

  void blocksOfTheTypeAreCopied() {
    test::writeTinyModel(at("source"));
    QVERIFY(write(at("source"), GgufType::Q4_0, at("first.gguf")).passed);
    const exporting::Audit audit = write(at("first.gguf"), GgufType::Q4_0, at("second.gguf"));
    QVERIFY2(audit.passed, audit.detail.c_str());
    const auto first = model::openModel(at("first.gguf")), second = model::openModel(at("second.gguf"));
    QVERIFY(exporting::losslessGgufType(*first) == std::optional(GgufType::Q4_0));
    for (size_t role = 0; role < 7; ++role)
      QVERIFY(model::toMatrix(first->block(1).linears[role].weight) ==
              model::toMatrix(second->block(1).linears[role].weight));
  }

  void whatDoesNotFitIsSaid() {
    test::TinyShape shape;
    shape.intermediate = 80;
    makeArtifact({{"bits", 4}, {"granularity", "channel"}, {"symmetric", true}}, "random", shape);
    const exporting::Audit narrow = write(at("artifact"), GgufType::Q4_0, at("model.gguf"));
    QVERIFY2(narrow.passed, narrow.detail.c_str());
    QVERIFY(QString::fromStdString(narrow.detail).contains(QStringLiteral("2 F16, as rows of 80")));
    QVERIFY(!exporting::losslessGgufType(*model::openModel(at("artifact"))).has_value());

    fs::remove_all(at("work"));
    makeArtifact({{"bits", 4}, {"granularity", "group"}, {"groupSize", 32}, {"symmetric", true}},
                 "random-indexed");
    const exporting::Audit indexed = write(at("artifact"), GgufType::Q4_0, at("model.gguf"));
    QVERIFY2(indexed.passed, indexed.detail.c_str());
    QVERIFY(QString::fromStdString(indexed.detail).contains(QStringLiteral("14 rounded again, as columns")));
  }

  void auditNoticesDamage() {
    test::TinyShape shape;
    shape.tied = false;
    test::writeTinyModel(at("source"), shape);
    for (const GgufType type : {GgufType::F16, GgufType::Q8_0, GgufType::Q4_0, GgufType::Q4_1}) {
      QVERIFY(write(at("source"), type, at("model.gguf")).passed);
      const auto size = static_cast<int64_t>(fs::file_size(at("model.gguf")));
      for (int64_t position = size - 40; position > size / 3; position -= size / 29) {
        test::flipBit(at("model.gguf"), position);
        QVERIFY2(!audit(at("source"), type, at("model.gguf")).passed, std::to_string(position).c_str());
        test::flipBit(at("model.gguf"), position);
      }
      QVERIFY(audit(at("source"), type, at("model.gguf")).passed);
    }
    // Another model with the same shapes and vocabulary.
    test::writeTinyModel(at("other"), shape, 2);
    QVERIFY(!audit(at("other"), GgufType::Q4_1, at("model.gguf")).passed);
    // Same weights in another type.
    QVERIFY(!audit(at("source"), GgufType::Q8_0, at("model.gguf")).passed);
    fs::resize_file(at("model.gguf"), fs::file_size(at("model.gguf")) / 2);
    QVERIFY(!audit(at("source"), GgufType::Q4_1, at("model.gguf")).passed);
  }

  void cancelAndFullDiskLeaveNothing() {
    test::writeTinyModel(at("source"));
    const auto model = model::openModel(at("source"));
    const auto tokenizer = tokenizer::loadTokenizer(model->checkpoint());
    int cancelled = 0;
    for (int reports = 1;; reports += 3) {
      test::StopAt progress(reports);
      try {
        exporting::exportGguf(*model, *tokenizer, GgufType::Q4_0, test::replacing(at("model.gguf")),
                              progress.token(), progress);
        break;
      } catch (const base::Cancelled&) {
        ++cancelled;
        QCOMPARE(std::distance(fs::directory_iterator(at("")), fs::directory_iterator()), std::ptrdiff_t{1});
      }
    }
    QVERIFY(cancelled > 3);
    const std::string before = base::sha256OfPath(at("model.gguf"));
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit old{};
    QCOMPARE(getrlimit(RLIMIT_FSIZE, &old), 0);
    const rlimit small{20000, old.rlim_max};
    QCOMPARE(setrlimit(RLIMIT_FSIZE, &small), 0);
    std::optional<base::ErrorCode> code;
    try {
      write(at("source"), GgufType::Q4_0, at("model.gguf"));
    } catch (const base::Error& error) {
      code = error.code();
    }
    QCOMPARE(setrlimit(RLIMIT_FSIZE, &old), 0);
    QVERIFY(code == std::optional(base::ErrorCode::Io));
    QCOMPARE(base::sha256OfPath(at("model.gguf")), before);
    QCOMPARE(std::distance(fs::directory_iterator(at("")), fs::directory_iterator()), std::ptrdiff_t{2});
  }

  void onlyOurFilesAreReplaced() {
    test::writeTinyModel(at("source"));
    const auto model = model::openModel(at("source"));
    const auto tokenizer = tokenizer::loadTokenizer(model->checkpoint());
    const auto refusal = [&](const exporting::FileTarget& target) -> QByteArray {
      base::NoProgress progress;
      try {
        exporting::exportGguf(*model, *tokenizer, GgufType::F16, target, {}, progress);
      } catch (const base::Error& error) {
        return error.what();
      }
      return {};
    };
    base::writeFileAtomically(at("thesis.gguf"), "years of work");
    QVERIFY2(refusal(at("thesis.gguf")).contains("thesis.gguf' exists"),
             refusal(at("thesis.gguf")).constData());
    QCOMPARE(base::readTextFile(at("thesis.gguf")), std::string("years of work"));
    QCOMPARE(::mkfifo(at("pipe.gguf").c_str(), 0600), 0);
    QVERIFY(refusal(test::replacing(at("pipe.gguf"))).contains("a named pipe"));
    QVERIFY(fs::is_fifo(at("pipe.gguf")));
    fs::create_directory(at("directory"));
    QVERIFY(refusal(test::replacing(at("directory"))).contains("a directory"));
    fs::create_symlink("/dev/null", at("null.gguf"));
    QVERIFY(refusal(test::replacing(at("null.gguf"))).contains("a device"));
    QVERIFY(fs::is_character_file("/dev/null"));
    base::writeFileAtomically(at("model.gguf.writing") / "photo.jpg", "a photo");
    QVERIFY(refusal(at("model.gguf")).contains("'photo.jpg'"));
    QVERIFY(fs::exists(at("model.gguf.writing") / "photo.jpg") && !fs::exists(at("model.gguf")));

    // The file is recorded before it gets its name, and the record distinguishes it from a replacement.
    std::vector<base::WrittenFile> records;
    exporting::FileTarget recorded(at("own.gguf"));
    recorded.beforeNaming = [&](const base::WrittenFile& file) {
      records.push_back(file);
      QVERIFY(!fs::exists(at("own.gguf")));
    };
    recorded.mayReplace = [&](const base::WrittenFile& found) {
      return std::find(records.begin(), records.end(), found) != records.end();
    };
    QCOMPARE(refusal(recorded), QByteArray());
    QCOMPARE(records.at(0).sha256, base::sha256OfPath(at("own.gguf")));
    recorded.beforeNaming = {};
    QCOMPARE(refusal(recorded), QByteArray());
    base::writeFileAtomically(at("own.gguf"), "somebody's");
    QVERIFY(!refusal(recorded).isEmpty());
    QCOMPARE(base::readTextFile(at("own.gguf")), std::string("somebody's"));
  }

  void aKilledExportLeavesNothingInTheWay() {
    test::writeTinyModel(at("source"));
    const pid_t child = test::inChild([&] {
      exporting::OutputFile output(at("model.gguf"), {});
      base::AtomicFile file = output.create();
      file.write("half of it");
      ::raise(SIGKILL);
    });
    QCOMPARE(test::statusOf(child), 128 + SIGKILL);
    QVERIFY(fs::exists(at("model.gguf.writing")) && !fs::exists(at("model.gguf")));
    QVERIFY(write(at("source"), GgufType::F16, at("model.gguf")).passed);
    QVERIFY(!fs::exists(at("model.gguf.writing")));
  }

  void badRequestsAreRefused() {
    test::writeTinyModel(at("source"));
    QVERIFY_EXCEPTION_THROWN(exporting::ggufTypeFromString("Q3_K"), base::Error);
    QVERIFY(exporting::ggufTypeFromString("Q4_1") == GgufType::Q4_1);
    QCOMPARE(exporting::ggufTypesText(), std::string("Q4_0, Q4_1, Q8_0 or F16"));
    std::vector<GgufType> named;
    for (const std::string& name : exporting::ggufTypeNames())
      named.push_back(exporting::ggufTypeFromString(name));
    QVERIFY(std::ranges::equal(named, exporting::kGgufTypes));
    QVERIFY_EXCEPTION_THROWN(write(at("source"), GgufType::F16, at("source")), base::Error);
    QVERIFY_EXCEPTION_THROWN(write(at("source"), GgufType::F16, {}), base::Error);
    QVERIFY(write(at("source"), GgufType::F16, at("model.gguf")).passed);
    QVERIFY_EXCEPTION_THROWN(write(at("model.gguf"), GgufType::Q8_0, at("model.gguf")), base::Error);
    QCOMPARE(write(at("source"), GgufType::F16, at("new") / "folder" / "model.gguf").passed, true);
  }

  void sameInputGivesSameBytes() {
    test::writeTinyModel(at("source"));
    write(at("source"), GgufType::Q8_0, at("one.gguf"));
    write(at("source"), GgufType::Q8_0, at("two.gguf"));
    QCOMPARE(base::sha256OfPath(at("one.gguf")), base::sha256OfPath(at("two.gguf")));
    write(at("source"), GgufType::Q4_1, at("three.gguf"));
    QVERIFY(base::sha256OfPath(at("one.gguf")) != base::sha256OfPath(at("three.gguf")));
  }
};

NIB_TEST(GgufTest)
#include "gguf_test.moc"
