// SPDX-License-Identifier: Apache-2.0
#include "export/artifact.hpp"

#include "base/hash.hpp"
#include "checkpoint/compressed_tensors.hpp"
#include "export/artifact_ownership.hpp"
#include "export/output_directory.hpp"
#include "nib_test.hpp"
#include "processes.hpp"
#include "tiny_model.hpp"

#include <QTemporaryDir>
#include <QtTest>

#include <csignal>
#include <sys/resource.h>

using namespace nibblesmith;
namespace fs = std::filesystem;

class ArtifactTest : public QObject {
  Q_OBJECT

private:
  std::unique_ptr<QTemporaryDir> m_directory;
  fs::path at(const char* name) const { return fs::path(m_directory->path().toStdString()) / name; }
  exporting::Audit write(const quantization::QuantizedModel& quantized, const fs::path& out) {
    base::NoProgress progress;
    return exporting::writeArtifact(quantized, out, {}, progress);
  }
  base::ErrorCode failure(const quantization::QuantizedModel& quantized, const fs::path& out) {
    try {
      write(quantized, out);
    } catch (const base::Error& error) {
      return error.code();
    }
    return {};
  }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(m_directory->path().toStdString()))
      found.push_back(entry.path().filename().string());
    std::sort(found.begin(), found.end());
    return found;
  }

private slots:
  void init() {
    m_directory = std::make_unique<QTemporaryDir>();
    QVERIFY(m_directory->isValid());
  }

  void roundTrip_data() {
    QTest::addColumn<int>("bits");
    QTest::addColumn<bool>("symmetric");
    QTest::addColumn<int>("groupSize");
    QTest::addColumn<int>("dtype");
    for (int bits = 2; bits <= 8; ++bits)
      QTest::addRow("%d-bit symmetric, groups of 32", bits)
          << bits << true << 32 << static_cast<int>(tensor::DType::F16);
    for (int bits = 2; bits <= 8; ++bits)
      QTest::addRow("%d-bit asymmetric, per channel", bits)
          << bits << false << 0 << static_cast<int>(tensor::DType::BF16);
    QTest::addRow("tail groups") << 4 << true << 64 << static_cast<int>(tensor::DType::F32);
  }
  void roundTrip() {
    QFETCH(int, bits);
    QFETCH(bool, symmetric);
    QFETCH(int, groupSize);
    QFETCH(int, dtype);
    test::TinyShape shape;
    shape.dtype = static_cast<tensor::DType>(dtype);
    shape.tied = bits % 2 == 0;
    test::writeTinyModel(at("source"), shape);
    base::Json grid = {
        {"bits", bits}, {"symmetric", symmetric}, {"granularity", groupSize ? "group" : "channel"}};
    if (groupSize)
      grid["groupSize"] = groupSize;
    const auto quantized = test::quantizeRandomly(at("source"), at("work"), grid);
    const exporting::Audit audit = write(quantized, at("artifact"));
    QVERIFY2(audit.passed, audit.detail.c_str());
    QCOMPARE(audit.maxAbsoluteError, 0.0);
    // 7 linears and 2 norms in each of 2 blocks, embedding, final norm, head.
    QCOMPARE(audit.tensors, int64_t{shape.tied ? 20 : 21});
    const auto reopened = model::openModel(at("artifact"));
    for (int64_t index = 0; index < 2; ++index) {
      const auto expected = quantized.block(index).linears;
      QCOMPARE(expected.size(), size_t{7});
      for (const model::LinearWeights& linear : reopened->block(index).linears) {
        QVERIFY(std::holds_alternative<tensor::QuantizedTensor>(linear.weight));
        QVERIFY(model::toMatrix(linear.weight) == expected.at(linear.name).dequantize());
      }
    }
    QVERIFY(tensor::toMatrix(reopened->embedding()) == tensor::toMatrix(quantized.source->embedding()));
    const auto tokenizer = tokenizer::loadTokenizer(reopened->checkpoint());
    QCOMPARE(tokenizer->vocabulary().tokens, test::tinyVocabulary().tokens);
  }

  void codeBooks_data() {
    QTest::addColumn<QString>("grid");
    QTest::addColumn<QString>("method");
    QTest::addColumn<int>("packed"); // number of the 14 linears that stay quantized
    QTest::addColumn<QString>("says");
    const QString none;
    QTest::newRow("NF4") << R"({"use":"nf4","groupSize":32})"
                         << "random" << 14 << none;
    QTest::newRow("NF4 double") << R"({"use":"nf4","groupSize":32,"doubleQuant":true})"
                                << "random" << 14 << none;
    QTest::newRow("FP4") << R"({"use":"fp4","groupSize":32})"
                         << "random" << 14 << none;
    // Among the linears, down_proj has 96 columns.
    QTest::newRow("NF4, blocks that cross rows")
        << R"({"use":"nf4","groupSize":64})"
        << "random" << 12
        << "2 linears on code books are written as f16, without loss, as bitsandbytes has no place";
    QTest::newRow("NF4 double, blocks that cross rows")
        << R"({"use":"nf4","groupSize":64,"doubleQuant":true})"
        << "random" << 12 << "2 linears";
    QTest::newRow("NF4, group index") << R"({"use":"nf4","groupSize":32})"
                                      << "random-indexed" << 0 << "14 linears";
    QTest::newRow("learned") << R"({"use":"learned","bits":2,"granularity":"group","groupSize":32})"
                             << "random" << 0 << "no public format";
    QTest::newRow("log") << R"({"use":"log","bits":5,"base":"sqrt2"})"
                         << "random" << 0 << "no public format";
  }
  void codeBooks() {
    QFETCH(QString, grid);
    QFETCH(QString, method);
    QFETCH(int, packed);
    QFETCH(QString, says);
    test::writeTinyModel(at("source"));
    const base::Json parameters = base::Json::parse(grid.toStdString());
    const auto quantized = test::quantizeRandomly(at("source"), at("work"), parameters, method.toStdString());
    const exporting::Audit audit = write(quantized, at("artifact"));
    QVERIFY2(audit.passed, audit.detail.c_str());
    QCOMPARE(audit.maxAbsoluteError, 0.0);
    QVERIFY2(says.isEmpty() ? audit.detail.find("code books") == std::string::npos
                            : QString::fromStdString(audit.detail).contains(says),
             audit.detail.c_str());
    const base::Json config = base::readJsonFile(at("artifact") / "config.json");
    QCOMPARE(config.contains("quantization_config"), packed > 0);
    if (packed > 0) {
      const base::Json& described = config["quantization_config"];
      QCOMPARE(described["quant_method"].get<std::string>(), std::string("bitsandbytes"));
      QCOMPARE(described["bnb_4bit_quant_type"], parameters["use"]);
      QCOMPARE(described["bnb_4bit_use_double_quant"].get<bool>(), parameters.value("doubleQuant", false));
      QCOMPARE(described["llm_int8_skip_modules"].size(), static_cast<size_t>(14 - packed + 1));
    }
    const auto reopened = model::openModel(at("artifact"));
    int found = 0;
    for (int64_t index = 0; index < 2; ++index) {
      const auto expected = quantized.block(index).linears;
      for (const model::LinearWeights& linear : reopened->block(index).linears) {
        const auto* q = std::get_if<tensor::QuantizedTensor>(&linear.weight);
        found += q != nullptr;
        QVERIFY(model::toMatrix(linear.weight) == expected.at(linear.name).dequantize());
        if (q)
          QVERIFY(q->nestedScales == expected.at(linear.name).nestedScales);
      }
    }
    QCOMPARE(found, packed);
    if (method == QLatin1String("random") && packed == 14) {
      const auto estimate = test::estimateOf(quantized);
      const auto size = fs::file_size(at("artifact") / "model.safetensors");
      QVERIFY2(estimate < size && estimate * 5 / 4 > size,
               std::to_string(estimate).c_str()); // names and report texts
    }
    // A changed value is detected in any kind of tensor.
    const fs::path weights = at("artifact") / "model.safetensors";
    const auto size = static_cast<int64_t>(fs::file_size(weights));
    for (int64_t position = size - 3; position > size / 2; position -= size / 17) {
      test::flipBit(weights, position);
      QVERIFY2(!exporting::auditArtifact(quantized, at("artifact"), {}).passed,
               std::to_string(position).c_str());
      test::flipBit(weights, position);
    }
  }

  void oneArtifactHasOneLayout() {
    test::writeTinyModel(at("source"));
    quantization::Policy policy;
    policy.overrides = {{"*.down_proj", {{"use", "affine"}, {"bits", 8}, {"groupSize", 32}}}};
    const auto quantized = test::quantizeRandomly(at("source"), at("work"),
                                                  {{"use", "nf4"}, {"groupSize", 32}}, "random", policy);
    const exporting::Audit audit = write(quantized, at("artifact"));
    QVERIFY2(audit.passed, audit.detail.c_str());
    QVERIFY2(audit.detail.find("12 linears on code books") != std::string::npos, audit.detail.c_str());
    const auto reopened = model::openModel(at("artifact"));
    const auto expected = quantized.block(1).linears;
    for (const model::LinearWeights& linear : reopened->block(1).linears) {
      QVERIFY(model::toMatrix(linear.weight) == expected.at(linear.name).dequantize());
      QCOMPARE(std::holds_alternative<tensor::QuantizedTensor>(linear.weight),
               linear.name.ends_with("down_proj"));
    }
    QVERIFY(test::estimateOf(quantized) < fs::file_size(at("artifact") / "model.safetensors"));
  }

  void overridesAndKeptLayers() {
    test::writeTinyModel(at("source"));
    quantization::Policy policy;
    policy.keep = {"lm_head", "embed_tokens", "layers.1.self_attn.*"};
    policy.overrides = {{"layers.0.mlp.*", {{"bits", 8}}}};
    const base::Json grid = {{"bits", 3}, {"granularity", "group"}, {"groupSize", 32}, {"symmetric", false}};
    const auto quantized = test::quantizeRandomly(at("source"), at("work"), grid, "random", policy);
    const exporting::Audit audit = write(quantized, at("artifact"));
    QVERIFY2(audit.passed, audit.detail.c_str());
    const auto reopened = model::openModel(at("artifact"));
    const auto bitsOf = [&](int64_t block, model::LinearRole role) {
      const model::BlockWeights weights = reopened->block(block);
      const auto* q = std::get_if<tensor::QuantizedTensor>(&weights.linear(role).weight);
      return q ? q->bits : 16;
    };
    QCOMPARE(bitsOf(0, model::LinearRole::Query), 3);
    QCOMPARE(bitsOf(0, model::LinearRole::Down), 8);
    QCOMPARE(bitsOf(1, model::LinearRole::Query), 16);
    QCOMPARE(bitsOf(1, model::LinearRole::Up), 3);
  }

  void columnsAssignedToGroups() {
    test::writeTinyModel(at("source"));
    const base::Json grid = {{"bits", 4}, {"granularity", "group"}, {"groupSize", 32}, {"symmetric", true}};
    const auto quantized = test::quantizeRandomly(at("source"), at("work"), grid, "random-indexed");
    const exporting::Audit audit = write(quantized, at("artifact"));
    QVERIFY2(audit.passed, audit.detail.c_str());
    QVERIFY(QString::fromStdString(audit.detail).contains(QStringLiteral("weight_g_idx")));
  }

  void keepsTheKeyValueCache() {
    test::writeTinyModel(at("source"));
    const base::Json grid = {{"bits", 4}, {"granularity", "group"}, {"groupSize", 32}, {"symmetric", true}};
    auto quantized = test::quantizeRandomly(at("source"), at("work"), grid);
    write(quantized, at("plain"));
    QVERIFY(!base::readJsonFile(at("plain") / "config.json").contains("kv_cache"));
    QVERIFY(model::openModel(at("plain"))->config().kvCache == model::KvCacheScheme());
    quantized.recipe.kvCache = {"int4", {{"groupSize", 16}}};
    write(quantized, at("cached"));
    const auto expected = model::kvCacheSchemeFromJson({{"use", "int4"}, {"groupSize", 16}}, "test");
    QVERIFY(model::openModel(at("cached"))->config().kvCache == expected);
    base::Json config = base::readJsonFile(at("cached") / "config.json");
    config["kv_cache"]["use"] = "int3";
    base::writeFileAtomically(at("cached") / "config.json", config.dump());
    try {
      model::openModel(at("cached"));
      QFAIL("expected an error");
    } catch (const base::Error& error) {
      QVERIFY2(QString::fromUtf8(error.what()).contains(QStringLiteral("config.json: 'kv_cache': 'use'")),
               error.what());
    }
  }

  void sameInputGivesSameBytes() {
    test::writeTinyModel(at("source"));
    const base::Json grid = {{"bits", 4}, {"granularity", "group"}, {"groupSize", 32}, {"symmetric", true}};
    const auto first = test::quantizeRandomly(at("source"), at("work1"), grid);
    write(first, at("one"));
    const auto second = test::quantizeRandomly(at("source"), at("work2"), grid);
    write(second, at("two"));
    QCOMPARE(base::sha256OfPath(at("one")), base::sha256OfPath(at("two")));
    write(second, at("one")); // replaces it
    QCOMPARE(base::sha256OfPath(at("one")), base::sha256OfPath(at("two")));
    QCOMPARE(names(), (std::vector<std::string>{"one", "source", "two", "work1", "work2"}));
  }

  void auditNoticesEveryKindOfDamage() {
    test::TinyShape shape;
    shape.tied = false;
    test::writeTinyModel(at("source"), shape);
    const base::Json grid = {{"bits", 4}, {"granularity", "group"}, {"groupSize", 32}, {"symmetric", false}};
    const auto quantized = test::quantizeRandomly(at("source"), at("work"), grid);
    QVERIFY(write(quantized, at("artifact")).passed);
    QVERIFY(exporting::auditArtifact(quantized, at("artifact"), {}).passed);
    const fs::path weights = at("artifact") / "model.safetensors";
    const auto size = static_cast<int64_t>(fs::file_size(weights));
    // Positions all over the tensors. The file's digest is corrected, so only the values reveal the change.
    for (int64_t position = size - 2; position > size / 5; position -= size / 37) {
      test::flipBit(weights, position);
      const fs::path log = at("artifact") / "nibblesmith.json";
      base::Json json = base::readJsonFile(log);
      json["files"]["model.safetensors"] = base::sha256(base::readTextFile(weights));
      base::writeFileAtomically(log, json.dump(2));
      const exporting::Audit audit = exporting::auditArtifact(quantized, at("artifact"), {});
      QVERIFY2(!audit.passed, std::to_string(position).c_str());
      QVERIFY(!audit.detail.empty());
      test::flipBit(weights, position);
    }
    const auto writeAgain = [&] {
      fs::remove_all(at("artifact"));
      write(quantized, at("artifact"));
    };
    writeAgain();
    test::flipBit(at("artifact") / "tokenizer.model", 100);
    QVERIFY(!exporting::auditArtifact(quantized, at("artifact"), {}).passed);
    writeAgain();
    fs::remove(at("artifact") / "tokenizer.model");
    QVERIFY(!exporting::auditArtifact(quantized, at("artifact"), {}).passed);
    writeAgain();
    fs::resize_file(weights, static_cast<uintmax_t>(size / 2));
    QVERIFY(!exporting::auditArtifact(quantized, at("artifact"), {}).passed);
  }

  void provenanceIsReadBack() {
    test::writeTinyModel(at("source"));
    const base::Json grid = {{"bits", 4}, {"granularity", "group"}, {"groupSize", 32}, {"symmetric", true}};
    const auto quantized = test::quantizeRandomly(at("source"), at("work"), grid);
    write(quantized, at("artifact"));
    const auto provenance = exporting::readProvenance(at("artifact"));
    QVERIFY(provenance.has_value());
    QCOMPARE(provenance->sourceName, std::string("source"));
    QCOMPARE(provenance->sourceHash, checkpoint::contentHash(quantized.source->checkpoint(), {}));
    QCOMPARE(quantization::recipeFromJson(provenance->recipe, "test"), quantized.recipe);
    QCOMPARE(provenance->layers.size(), size_t{14});
    QVERIFY(!exporting::readProvenance(at("source")).has_value());
    base::writeFileAtomically(at("artifact") / "nibblesmith.json", R"({"schema": 7})");
    QVERIFY_EXCEPTION_THROWN(exporting::readProvenance(at("artifact")), base::Error);
    base::writeFileAtomically(at("artifact") / "nibblesmith.json", "[]");
    QVERIFY_EXCEPTION_THROWN(exporting::readProvenance(at("artifact")), base::Error);
  }

  void cancelLeavesNothing() {
    test::writeTinyModel(at("source"));
    const base::Json grid = {{"bits", 4}, {"granularity", "group"}, {"groupSize", 32}, {"symmetric", true}};
    const auto quantized = test::quantizeRandomly(at("source"), at("work"), grid);
    int cancelled = 0;
    for (int reports = 1;; reports += 5) {
      test::StopAt progress(reports);
      try {
        exporting::writeArtifact(quantized, at("artifact"), progress.token(), progress);
        // The last report comes after all work is done.
        break;
      } catch (const base::Cancelled&) {
        ++cancelled;
        QCOMPARE(names(), (std::vector<std::string>{"source", "work"}));
      }
    }
    QVERIFY(cancelled > 5);
  }

  void whatIsThereIsNotOverwritten() {
    test::writeTinyModel(at("source"));
    const base::Json grid = {{"bits", 4}, {"granularity", "group"}, {"groupSize", 32}, {"symmetric", true}};
    const auto quantized = test::quantizeRandomly(at("source"), at("work"), grid);
    base::writeFileAtomically(at("precious") / "thesis.txt", "years of work");
    QVERIFY(failure(quantized, at("precious")) == base::ErrorCode::InvalidArgument);
    QCOMPARE(base::readTextFile(at("precious") / "thesis.txt"), std::string("years of work"));
    QVERIFY(failure(quantized, at("precious") / "thesis.txt") == base::ErrorCode::InvalidArgument);
    QVERIFY(failure(quantized, at("source")) == base::ErrorCode::InvalidArgument);
    QVERIFY(failure(quantized, {}) == base::ErrorCode::InvalidArgument);
    QVERIFY(failure(quantized, "/") == base::ErrorCode::InvalidArgument);
    QVERIFY(failure(quantized, "/proc/nibblesmith/artifact") == base::ErrorCode::Io);
    QCOMPARE(names(), (std::vector<std::string>{"precious", "source", "work"}));
    // An empty directory with a trailing slash is accepted.
    fs::create_directory(at("empty"));
    QVERIFY(write(quantized, at("empty") / "").passed);
  }

  /// Only files that nibblesmith.json lists, and that are unchanged, are owned.
  void artifactsWithForeignFilesAreNotReplaced_data() {
    QTest::addColumn<QString>("name");
    QTest::addColumn<QString>("told");
    QTest::newRow("file") << "photo.jpg"
                          << "'photo.jpg'";
    QTest::newRow("directory") << "photos/summer/1.jpg"
                               << "'photos/'";
    QTest::newRow("changed") << "config.json"
                             << "'config.json'";
    QTest::newRow("changed list") << "nibblesmith.json"
                                  << "no artifact";
  }
  void artifactsWithForeignFilesAreNotReplaced() {
    QFETCH(QString, name);
    QFETCH(QString, told);
    const fs::path file = at("artifact") / name.toStdString();
    test::writeTinyModel(at("source"));
    const base::Json grid = {{"bits", 4}, {"granularity", "group"}, {"groupSize", 32}, {"symmetric", true}};
    const auto quantized = test::quantizeRandomly(at("source"), at("work"), grid);
    write(quantized, at("artifact"));
    base::writeFileAtomically(file, "somebody's");
    const std::string before = base::sha256OfPath(at("artifact"));
    try {
      write(quantized, at("artifact"));
      QFAIL("expected an error");
    } catch (const base::Error& error) {
      QVERIFY2(QString::fromUtf8(error.what()).contains(told), error.what());
    }
    QCOMPARE(base::sha256OfPath(at("artifact")), before);
    QCOMPARE(names(), (std::vector<std::string>{"artifact", "source", "work"}));
  }

  void aForeignProvenanceFileMakesNothingOurs() {
    test::writeTinyModel(at("source"));
    const base::Json grid = {{"bits", 4}, {"granularity", "group"}, {"groupSize", 32}, {"symmetric", true}};
    const auto quantized = test::quantizeRandomly(at("source"), at("work"), grid);
    const std::string photo = "a photo";
    for (const base::Json& json :
         {base::Json::object(), base::Json{{"schema", 1}, {"kind", "artifact"}},
          base::Json{
              {"schema", 1}, {"kind", "artifact"}, {"files", {{"photo.jpg", base::sha256("another")}}}}}) {
      base::writeFileAtomically(at("photos") / "nibblesmith.json", json.dump());
      base::writeFileAtomically(at("photos") / "photo.jpg", photo);
      QVERIFY(failure(quantized, at("photos")) == base::ErrorCode::InvalidArgument);
      QCOMPARE(base::readTextFile(at("photos") / "photo.jpg"), photo);
    }
  }

  void onlyListedFilesAreDeleted() {
    test::writeTinyModel(at("source"));
    const base::Json grid = {{"bits", 4}, {"granularity", "group"}, {"groupSize", 32}, {"symmetric", true}};
    const auto quantized = test::quantizeRandomly(at("source"), at("work"), grid);
    write(quantized, at("artifact"));
    fs::copy(at("artifact"), at("whole"), fs::copy_options::recursive);
    QVERIFY(exporting::removeArtifact(at("whole"), {}).empty());
    QVERIFY(!fs::exists(at("whole")));
    base::writeFileAtomically(at("artifact") / "photos" / "1.jpg", "a photo");
    base::writeFileAtomically(at("artifact") / "config.json", "somebody's");
    fs::create_directory_symlink(at("artifact"), at("link"));
    QVERIFY_EXCEPTION_THROWN(exporting::removeArtifact(at("link"), {}), base::Error);
    QCOMPARE(exporting::removeArtifact(at("artifact"), {}).text(), std::string("'config.json', 'photos/'"));
    QVERIFY(!fs::exists(at("artifact") / "model.safetensors"));
    QVERIFY(!fs::exists(at("artifact") / "nibblesmith.json"));
    QCOMPARE(base::readTextFile(at("artifact") / "photos" / "1.jpg"), std::string("a photo"));
    QVERIFY_EXCEPTION_THROWN(exporting::removeArtifact(at("artifact"), {}), base::Error);
    QVERIFY_EXCEPTION_THROWN(exporting::removeArtifact(at("source"), {}), base::Error);
    QVERIFY(fs::exists(at("source") / "config.json"));
  }

  void foreignFilesInTheWayStay() {
    test::writeTinyModel(at("source"));
    const base::Json grid = {{"bits", 4}, {"granularity", "group"}, {"groupSize", 32}, {"symmetric", true}};
    const auto quantized = test::quantizeRandomly(at("source"), at("work"), grid);
    base::writeFileAtomically(at("artifact.writing") / "thesis.txt", "years of work");
    QVERIFY(failure(quantized, at("artifact")) == base::ErrorCode::InvalidArgument);
    QCOMPARE(base::readTextFile(at("artifact.writing") / "thesis.txt"), std::string("years of work"));
    QCOMPARE(names(), (std::vector<std::string>{"artifact.writing", "source", "work"}));
    fs::remove_all(at("artifact.writing"));
    fs::create_directory_symlink(at("source"), at("artifact.writing"));
    QVERIFY(failure(quantized, at("artifact")) == base::ErrorCode::InvalidArgument);
    QVERIFY(fs::exists(at("source") / "config.json"));
  }

  /// Outputs that writeArtifact() would reject are rejected before the work, and the trial leaves nothing
  /// behind.
  void placesAreTriedBeforeTheWork() {
    test::writeTinyModel(at("source"));
    const auto model = model::openModel(at("source"));
    const auto refusal = [&](const fs::path& out) -> QByteArray {
      try {
        exporting::checkWritable(*model, out, {});
      } catch (const base::Error& error) {
        return error.what();
      }
      return {};
    };
    QCOMPARE(refusal(at("artifact")), QByteArray());
    QCOMPARE(names(), (std::vector<std::string>{"source"}));
    QVERIFY2(refusal(at("source")).contains("is the source"), refusal(at("source")));
    base::writeFileAtomically(at("artifact.writing") / "thesis.txt", "years of work");
    QVERIFY2(refusal(at("artifact")).contains("thesis.txt"), refusal(at("artifact")));
    fs::remove_all(at("artifact.writing"));
    base::writeFileAtomically(at("secret"), "hunter2");
    fs::create_symlink(at("secret"), at("source") / "merges.txt");
    QVERIFY2(refusal(at("artifact")).contains("symbolic link"), refusal(at("artifact")));
    QCOMPARE(names(), (std::vector<std::string>{"secret", "source"}));
    std::stop_source source;
    source.request_stop();
    fs::remove(at("source") / "merges.txt");
    QVERIFY_EXCEPTION_THROWN(exporting::checkWritable(*model, at("artifact"), source.get_token()),
                             base::Cancelled);
    QCOMPARE(names(), (std::vector<std::string>{"secret", "source"}));
  }

  void oneWriterAtATime() {
    test::writeTinyModel(at("source"));
    const base::Json grid = {{"bits", 4}, {"granularity", "group"}, {"groupSize", 32}, {"symmetric", true}};
    const auto quantized = test::quantizeRandomly(at("source"), at("work"), grid);
    {
      const exporting::OutputDirectory other(at("artifact"), {});
      try {
        write(quantized, at("artifact"));
        QFAIL("expected an error");
      } catch (const base::Error& error) {
        QVERIFY2(QByteArray(error.what()).contains("in use by process"), error.what());
      }
    }
    QVERIFY(write(quantized, at("artifact")).passed);
  }

  void fullDiskLeavesTheOldArtifact() {
    test::writeTinyModel(at("source"));
    const base::Json grid = {{"bits", 4}, {"granularity", "group"}, {"groupSize", 32}, {"symmetric", true}};
    const auto quantized = test::quantizeRandomly(at("source"), at("work"), grid);
    write(quantized, at("artifact"));
    const std::string before = base::sha256OfPath(at("artifact"));
    // A file size limit simulates a full disk: write() fails in the middle of the weights.
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit old{};
    QCOMPARE(getrlimit(RLIMIT_FSIZE, &old), 0);
    const rlimit small{20000, old.rlim_max};
    QCOMPARE(setrlimit(RLIMIT_FSIZE, &small), 0);
    const base::ErrorCode code = failure(quantized, at("artifact"));
    QCOMPARE(setrlimit(RLIMIT_FSIZE, &old), 0);
    QVERIFY(code == base::ErrorCode::Io);
    QCOMPARE(base::sha256OfPath(at("artifact")), before);
    QCOMPARE(names(), (std::vector<std::string>{"artifact", "source", "work"}));
  }

  /// If the writing process is killed, its files are removed later, with or without an older artifact.
  void leftoversOfKilledRunsAreRemoved() {
    test::writeTinyModel(at("source"));
    const base::Json grid = {{"bits", 4}, {"granularity", "group"}, {"groupSize", 32}, {"symmetric", true}};
    const auto quantized = test::quantizeRandomly(at("source"), at("work"), grid);
    for (const bool replaces : {false, true}) {
      const std::string before = replaces ? base::sha256OfPath(at("artifact")) : "";
      const pid_t child = test::inChild([&] {
        exporting::OutputDirectory output(at("artifact"), {});
        output.write("config.json", "{}");
        base::AtomicFile file = output.create("model.safetensors");
        file.write("half of it");
        ::raise(SIGKILL);
      });
      QCOMPARE(test::statusOf(child), 128 + SIGKILL);
      QVERIFY(fs::exists(at("artifact.writing") / "artifact" / "config.json"));
      QCOMPARE(fs::exists(at("artifact")), replaces);
      if (replaces)
        QCOMPARE(base::sha256OfPath(at("artifact")), before);
      QVERIFY(write(quantized, at("artifact")).passed);
      QCOMPARE(names(), (std::vector<std::string>{"artifact", "source", "work"}));
    }
  }
};

NIB_TEST(ArtifactTest)
#include "artifact_test.moc"
