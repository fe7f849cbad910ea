// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/checkpoint.hpp"
#include "gguf_file.hpp"
#include "nib_test.hpp"
#include "refusal.hpp"
#include "test_data.hpp"

#include <QTemporaryDir>
#include <QtTest>

using namespace nibblesmith;
using test::GgufFile;
namespace fs = std::filesystem;

class GgufTest : public QObject {
  Q_OBJECT

private:
  QTemporaryDir m_root;

  std::shared_ptr<const checkpoint::Checkpoint> open(const GgufFile& file) {
    const fs::path path = fs::path(m_root.path().toStdString()) / "model.gguf";
    test::writeBytes(path, file.bytes());
    return checkpoint::openCheckpoint(path);
  }

private slots:
  void metadataAndTensors_data() {
    QTest::addColumn<unsigned>("version");
    QTest::newRow("version 2") << 2u;
    QTest::newRow("version 3") << 3u;
  }
  void metadataAndTensors() {
    QFETCH(unsigned, version);
    GgufFile file = GgufFile::valid();
    file.version = version;
    const auto opened = open(file);
    QVERIFY(opened->format == checkpoint::Format::Gguf);
    QCOMPARE(opened->config.at("general.architecture").get<std::string>(), std::string("llama"));
    QCOMPARE(opened->config.at("llama.block_count").get<int>(), 2);
    QVERIFY((opened->config.at("numbers") == base::Json{1, -2, 3}));
    // Dimensions are reversed: the file has {4, 2}.
    QCOMPARE(opened->tensor("w").shape, (std::vector<int64_t>{2, 4}));
    const tensor::Matrix w = tensor::toMatrix(opened->tensor("w"));
    QCOMPARE(w(0, 3), 3.0f);
    QCOMPARE(w(1, 0), 4.0f);
    QCOMPARE(tensor::toVector(opened->tensor("v"))[7], 15.0f);
  }

  void everyScalarType() {
    GgufFile file;
    file.key("u8", 0, GgufFile::number<uint8_t>(200))
        .key("i8", 1, GgufFile::number<int8_t>(-7))
        .key("u16", 2, GgufFile::number<uint16_t>(60000))
        .key("i16", 3, GgufFile::number<int16_t>(-3000))
        .key("f32", 6, GgufFile::number(0.5f))
        .key("bool", 7, GgufFile::number<uint8_t>(1))
        .key("u64", 10, GgufFile::number<uint64_t>(~uint64_t{0}))
        .key("i64", 11, GgufFile::number<int64_t>(-1))
        .key("f64", 12, GgufFile::number(0.1))
        .key("nested", 9,
             GgufFile::number<uint32_t>(9) + GgufFile::number<uint64_t>(1) + GgufFile::texts({"x", "y"}));
    const auto config = open(file)->config;
    QCOMPARE(config.at("u8").get<int>(), 200);
    QCOMPARE(config.at("i8").get<int>(), -7);
    QCOMPARE(config.at("u16").get<int>(), 60000);
    QCOMPARE(config.at("i16").get<int>(), -3000);
    QCOMPARE(config.at("f32").get<float>(), 0.5f);
    QVERIFY(config.at("bool").get<bool>());
    QCOMPARE(config.at("u64").get<uint64_t>(), ~uint64_t{0});
    QCOMPARE(config.at("i64").get<int64_t>(), int64_t{-1});
    QCOMPARE(config.at("f64").get<double>(), 0.1);
    QCOMPARE(config.at("nested")[0][1].get<std::string>(), std::string("y"));
  }

  void alignmentOfTheFileIsUsed() {
    GgufFile file = GgufFile::valid();
    file.key("general.alignment", GgufFile::kU32, GgufFile::number<uint32_t>(8));
    file.alignment = 8;
    QCOMPARE(tensor::toVector(open(file)->tensor("v"))[0], 8.0f);
  }

  void blockTypes() {
    // One block of each type, d = 1: f16 1.0 is 0x3c00.
    const std::string one = GgufFile::number<uint16_t>(0x3c00);
    GgufFile file;
    file.tensor("q8", {32}, 8, 0).tensor("q4", {32}, 2, 64).tensor("q41", {32, 1}, 3, 96);
    file.data = one + std::string(32, '\x05') + std::string(30, '\0') + one + std::string(16, '\x9f') +
                std::string(14, '\0') + one + GgufFile::number<uint16_t>(0x4000) + std::string(16, '\x21');
    const auto opened = open(file);
    QCOMPARE(tensor::toVector(opened->tensor("q8"))[31], 5.0f);
    QCOMPARE(tensor::toVector(opened->tensor("q4"))[0], 7.0f);
    QCOMPARE(tensor::toVector(opened->tensor("q4"))[16], 1.0f);
    QCOMPARE(tensor::toVector(opened->tensor("q41"))[0], 3.0f);
    QCOMPARE(tensor::toVector(opened->tensor("q41"))[31], 4.0f);
    QCOMPARE(opened->tensor("q41").shape, (std::vector<int64_t>{1, 32}));
  }

  void severalFilesAreOneModel() {
    const fs::path root = fs::path(m_root.path().toStdString()) / "split";
    const auto part = [&](int number) {
      GgufFile file;
      file.key("split.no", 2, GgufFile::number<uint16_t>(static_cast<uint16_t>(number)))
          .key("split.count", 2, GgufFile::number<uint16_t>(2))
          .key("split.tensors.count", GgufFile::kI32, GgufFile::number<int32_t>(2))
          .tensor(number == 0 ? "a" : "b", {8}, 0, 0);
      for (int i = 0; i < 8; ++i)
        file.data += GgufFile::number(static_cast<float>(10 * number + i));
      return file;
    };
    const auto write = [&](int number, const GgufFile& file) {
      test::writeBytes(root / ("m-0000" + std::to_string(number + 1) + "-of-00002.gguf"), file.bytes());
    };
    const fs::path first = root / "m-00001-of-00002.gguf";
    const auto refusal = [&](const fs::path& path, base::ErrorCode code,
                             const std::vector<std::string>& words) {
      return test::check(test::refusalOf([&] { checkpoint::openCheckpoint(path); }), code, words);
    };
    write(0, part(0));
    QCOMPARE(refusal(first, base::ErrorCode::NotFound, {"m-00002-of-00002.gguf"}), std::string());
    write(1, part(1));
    const auto opened = checkpoint::openCheckpoint(first);
    QCOMPARE(tensor::toVector(opened->tensor("a"))[7], 7.0f);
    QCOMPARE(tensor::toVector(opened->tensor("b"))[7], 17.0f);
    QCOMPARE(opened->files.size(), size_t{2});
    QCOMPARE(refusal(root / "m-00002-of-00002.gguf", base::ErrorCode::InvalidArgument,
                     {"part 2 of 2", "m-00001-of-00002.gguf"}),
             std::string());
    write(1, part(0)); // the first file under the second's name
    QCOMPARE(refusal(first, base::ErrorCode::Corrupt, {"split.no", "expected 1", "found 0"}), std::string());
    GgufFile twice = part(1);
    twice.tensors.clear();
    twice.tensor("a", {8}, 0, 0);
    write(1, twice);
    QCOMPARE(refusal(first, base::ErrorCode::Corrupt, {"'a'", "another file"}), std::string());
    GgufFile fewer = part(1);
    fewer.tensors.clear();
    write(1, fewer);
    QCOMPARE(refusal(first, base::ErrorCode::Corrupt, {"split.tensors.count", "expected 2", "found 1"}),
             std::string());
    test::writeBytes(root / "renamed.gguf", part(0).bytes());
    QCOMPARE(refusal(root / "renamed.gguf", base::ErrorCode::Corrupt, {"-00001-of-00002.gguf"}),
             std::string());
  }

  void saysWhatOtherFilesAre() {
    const fs::path root = fs::path(m_root.path().toStdString()) / "others";
    for (const auto& [name, word] :
         {std::pair("consolidated.00.pth", "pickle"), std::pair("pytorch_model.bin", "safetensors"),
          std::pair("model.onnx", "ONNX"), std::pair("model.safetensors", "directory")}) {
      test::writeBytes(root / name, "PK and more");
      const std::string wrong = test::check(test::refusalOf([&] { checkpoint::openCheckpoint(root / name); }),
                                            base::ErrorCode::Corrupt, {name, word});
      QVERIFY2(wrong.empty(), wrong.c_str());
    }
  }

  void vocabularyOnly() {
    const auto opened = open(test::scoreVocabulary());
    QCOMPARE(opened->tensors.size(), size_t{0});
    QCOMPARE(opened->config.at("tokenizer.ggml.tokens").size(), size_t{267});
  }

  // Weights equal those in the same model's safetensors; llama.cpp's converter permutes rows of q and k.
  void realModel() {
    const fs::path path = test::sharedData("stories260K/stories260K.f32.gguf");
    NIB_REQUIRE_DATA(path);
    const auto gguf = checkpoint::openCheckpoint(path);
    const auto hf = checkpoint::openCheckpoint(test::sharedData("stories260K/hf"));
    QCOMPARE(gguf->tensors.size(), hf->tensors.size());
    const tensor::Matrix a = tensor::toMatrix(gguf->tensor("blk.3.ffn_down.weight"));
    const tensor::Matrix b = tensor::toMatrix(hf->tensor("model.layers.3.mlp.down_proj.weight"));
    QVERIFY(a == b);
    QVERIFY(a != tensor::toMatrix(hf->tensor("model.layers.2.mlp.down_proj.weight")));
  }
};

NIB_TEST(GgufTest)
#include "gguf_test.moc"
