// SPDX-License-Identifier: Apache-2.0
// Files that ask for much more than they are worth: each is read, or refused in one sentence, within the
// limits.
#include "gguf_file.hpp"
#include "limited_process.hpp"
#include "model_folder.hpp"
#include "nib_test.hpp"

#include <QtTest>

#include <fcntl.h>
#include <unistd.h>

using namespace nibblesmith;
using test::GgufFile;
namespace fs = std::filesystem;

namespace {

std::string repeated(const std::string& part, size_t bytes) {
  std::string text;
  text.reserve(bytes + part.size());
  while (text.size() < bytes)
    text += part;
  return text;
}

constexpr size_t kMegabyte = 1'000'000;

/// Returns a safetensors header of `count` tensors with one byte each.
std::string headerOf(size_t count, const std::string& prefix) {
  std::string header = "{";
  for (size_t i = 0; i < count; ++i) {
    const std::string number = std::to_string(i);
    header += (i == 0 ? "\"" : ",\"") + prefix + number +
              "\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[" + number + "," + std::to_string(i + 1) +
              "]}";
  }
  return header + "}";
}

/// Returns metadata of byte arrays without their values.
std::string byteArrays(int count, uint64_t items) {
  GgufFile file;
  for (int i = 0; i < count; ++i)
    file.key("k" + std::to_string(i), GgufFile::kArray,
             GgufFile::number<uint32_t>(0) + GgufFile::number(items));
  return file.bytes();
}

} // namespace

class AmplificationTest : public QObject {
  Q_OBJECT

private:
  QTemporaryDir m_root;
  fs::path m_folder;

  fs::path path(const std::string& name) const { return fs::path(m_root.path().toStdString()) / name; }
  static QString text(const fs::path& path) { return QString::fromStdString(path.string()); }

  static void expectRefusal(const test::LimitedResult& result, const std::vector<std::string>& words) {
    QVERIFY2(result.ended, "did not end by itself within the limits: " + result.errors);
    QVERIFY2(result.exitCode == 1, result.errors + result.output.left(1000));
    for (const std::string& word : words)
      QVERIFY2(result.errors.contains(word.c_str()),
               (word.c_str() + QByteArray(" not in: ") + result.errors));
    QVERIFY2(result.errors.size() < 4000 && result.errors.count('\n') <= 2, result.errors.left(4000));
  }

  /// Makes the file `size` bytes long, all of them on disk.
  static void allocate(const fs::path& file, uint64_t size) {
    if (size == 0)
      return;
    const int descriptor = ::open(file.c_str(), O_WRONLY);
    QVERIFY(descriptor >= 0);
    QCOMPARE(::posix_fallocate(descriptor, 0, static_cast<off_t>(size)), 0);
    ::close(descriptor);
  }

  void inspectGguf(const std::string& bytes, uint64_t size, const std::vector<std::string>& words) {
    const fs::path file = path("model.gguf");
    test::writeBytes(file, bytes);
    allocate(file, size);
    expectRefusal(test::runLimited(m_root, {"inspect", text(file)}), words);
  }

private slots:
  void init() {
    m_folder = path("model");
    test::makeModelFolder(test::Layout::SentencePiece, m_folder);
  }
  void cleanup() { fs::remove_all(m_folder); }

  void configurations_data() {
    QTest::addColumn<std::string>("config");
    QTest::addColumn<std::vector<std::string>>("words");
    const auto row = [](const char* name, const std::string& config, std::vector<std::string> words) {
      words.push_back("config.json");
      QTest::newRow(name) << config << std::move(words);
    };
    row("empty arrays", R"({"architectures":[)" + repeated("[],", 60 * kMegabyte) + "[]]}",
        {"'architectures", "536870912 bytes of memory"});
    row("empty objects", "[" + repeated("{},", 60 * kMegabyte) + "{}]", {"536870912 bytes of memory"});
    row("numbers", R"({"eos_token_id":[)" + repeated("1,", 120 * kMegabyte) + "1]}",
        {"536870912 bytes of memory"});
    row("nested deeply", repeated(R"({"a":)", 100 * kMegabyte), {"nested", "64"});
    row("long string", "{\"model_type\":\"" + std::string(100 * kMegabyte, 'x') + "\"}", {"33554432"});
    row("model_type of 30 MB",
        "{\"architectures\":[\"X\"],\"model_type\":\"" + std::string(30 * kMegabyte, 'x') + "\"}",
        {"model_type"});
    row("model_type with terminal escapes",
        "{\"architectures\":[\"X\"],\"model_type\":\"\\u001b[2J\\u202e\"}", {R"(\x1B[2J\u202E)"});
    row("white space", "{" + std::string(250 * kMegabyte, ' ') + "]", {"not valid JSON"});
    row("key of 30 MB twice",
        "{\"" + std::string(30 * kMegabyte, 'k') + "\":1,\"" + std::string(30 * kMegabyte, 'k') + "\":2}",
        {"twice"});
    row("300 MB", std::string(300 * kMegabyte, '['), {"300000000 bytes", "268435456"});
  }
  void configurations() {
    QFETCH(std::string, config);
    QFETCH(std::vector<std::string>, words);
    test::writeBytes(m_folder / "config.json", config);
    expectRefusal(test::runLimited(m_root, {"inspect", text(m_folder)}), words);
  }

  void headers_data() {
    QTest::addColumn<std::string>("header");
    QTest::addColumn<std::vector<std::string>>("words");
    const auto row = [](const char* name, const std::string& header, std::vector<std::string> words) {
      QTest::newRow(name) << header << std::move(words);
    };
    row("many tensors", headerOf(1'000'001, "t"), {"model.safetensors", "1000000 tensors"});
    row("values in one entry", R"({"a":{"shape":[)" + repeated("[],", 60 * kMegabyte) + "[]]}}",
        {"model.safetensors", "'a.shape", "536870912 bytes of memory"});
    row("metadata", R"({"__metadata__":{"k":[)" + repeated("{},", 60 * kMegabyte) + "{}]}}",
        {"model.safetensors", "'__metadata__.k", "536870912 bytes of memory"});
    row("long name",
        "{\"" + std::string(30 * kMegabyte, 'n') +
            "\":{\"dtype\":\"U8\",\"shape\":[9],\"data_offsets\":[0,1]}}",
        {"model.safetensors", "9 bytes"});
  }
  void headers() {
    QFETCH(std::string, header);
    QFETCH(std::vector<std::string>, words);
    test::SafetensorsFile file;
    file.header = header;
    file.data = std::string(1'000'001, 'x');
    test::writeBytes(m_folder / "model.safetensors", file.bytes());
    expectRefusal(test::runLimited(m_root, {"inspect", text(m_folder)}), words);
  }

  // Large valid files are read in time: the parser's work grows linearly with the file.
  void honestHeaderOf97Megabytes() {
    test::SafetensorsFile file;
    file.header = headerOf(900'000, std::string("model.layers.0.experts.12.gate_proj.weight"));
    QVERIFY(file.header.size() > 97 * kMegabyte && file.header.size() < 100 * kMegabyte);
    file.data = std::string(900'000, 'x');
    test::writeBytes(m_folder / "model.safetensors", file.bytes());
    expectRefusal(test::runLimited(m_root, {"inspect", text(m_folder)}),
                  {"model.embed_tokens.weight", "missing"});
  }
  void honestPrompts() {
    std::string prompts = "[";
    for (int i = 0; i < 200'000; ++i)
      prompts += (i == 0 ? "" : ",") + std::string("{\"prompt\":\"Write a story about the number ") +
                 std::to_string(i) + " and what it saw at the sea.\"}";
    test::writeBytes(path("prompts.json"), prompts + ",{\"prompt\":3}]");
    // The last entry is invalid: all are read, none is used for calibration.
    expectRefusal(test::runLimited(m_root, {"quantize", text(m_folder), "--method", "gptq", "--calibration",
                                            text(path("prompts.json")), "--out", text(path("out"))}),
                  {"prompts.json", "entry 200000", "expected a string, found 3"});
  }
  void emptyPrompts() {
    test::writeBytes(path("prompts.json"),
                     "[" + repeated(R"({"text":""},)", 100 * kMegabyte) + R"({"text":""}])");
    expectRefusal(test::runLimited(m_root, {"quantize", text(m_folder), "--method", "gptq", "--calibration",
                                            text(path("prompts.json")), "--out", text(path("out"))}),
                  {"prompts.json", "1000000 prompts"});
  }

  void shardIndex() {
    fs::rename(m_folder / "model.safetensors", m_folder / test::kShard);
    std::string index = R"({"weight_map":{)";
    for (int i = 0; i < 3'000'000; ++i)
      index += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":\"a\"";
    test::writeBytes(m_folder / "model.safetensors.index.json", index + "}}");
    expectRefusal(test::runLimited(m_root, {"inspect", text(m_folder)}), {"model.safetensors.index.json"});
  }

  // Regression: 164 KiB on disk took 8.8 GB of memory.
  void ggufOfHoles() {
    const fs::path file = path("model.gguf");
    test::writeBytes(file, byteArrays(33, uint64_t{1} << 24));
    fs::resize_file(file, uint64_t{33} << 26);
    expectRefusal(test::runLimited(m_root, {"inspect", text(file)}), {"model.gguf", "2.06 GiB", "holes"});
  }
  void ggufMetadataLargerInMemory() {
    inspectGguf(byteArrays(1, uint64_t{1} << 24), uint64_t{1} << 25, {"model.gguf: k0", "536870912 bytes"});
    // Empty arrays (12 zero bytes each) and empty strings (8 zero bytes each).
    for (const uint32_t type : {GgufFile::kArray, GgufFile::kString}) {
      GgufFile file;
      file.key("k", GgufFile::kArray, GgufFile::number(type) + GgufFile::number(uint64_t{1} << 23));
      inspectGguf(file.bytes(), uint64_t{1} << 27, {"model.gguf: k", "536870912 bytes"});
    }
  }
  void ggufLongStrings() {
    GgufFile file;
    file.key("k", GgufFile::kString, GgufFile::number((uint64_t{1} << 25) + 1));
    inspectGguf(file.bytes(), uint64_t{1} << 26, {"'k'", "33554432", "33554433"});
    file = GgufFile();
    file.claimedKeys = 1;
    file.alignment = 1;
    inspectGguf(file.bytes() + GgufFile::number((uint64_t{1} << 25) + 1), uint64_t{1} << 26,
                {"metadata key 0"});
  }
  void ggufCounts() {
    GgufFile file = GgufFile::valid();
    file.claimedTensors = uint64_t{1} << 27;
    inspectGguf(file.bytes(), uint64_t{1} << 26, {"134217728 tensors", "bytes left"});
    // As many as the file has room for, but more than any model has.
    file.claimedTensors = 1'500'000;
    inspectGguf(file.bytes(), uint64_t{1} << 26, {"1000000 tensors", "1500000"});
    file = GgufFile::valid();
    file.claimedKeys = 1'500'000;
    inspectGguf(file.bytes(), uint64_t{1} << 26, {"metadata key"});
  }
  void ggufNamesAreText() {
    GgufFile file = GgufFile::valid();
    file.key("k\xFF", GgufFile::kU32, GgufFile::number<uint32_t>(1));
    inspectGguf(file.bytes(), 0, {"expected UTF-8", R"(k\xFF)"});
    file = GgufFile::valid();
    file.tensor("w\xFF", {4}, 0, 64);
    inspectGguf(file.bytes(), 0, {"expected UTF-8", R"(w\xFF)"});
  }
  void ggufWordsOfManyMegabytes() {
    GgufFile file = GgufFile::valid();
    file.keys[0] = GgufFile::text("general.architecture") + GgufFile::number(GgufFile::kString) +
                   GgufFile::text(std::string(30 * kMegabyte, '\x1B'));
    inspectGguf(file.bytes(), 0, {"model.gguf"});
    // Regression: a family name with invalid UTF-8 gave a message about "type_error.316".
    file.keys[0] = GgufFile::text("general.architecture") + GgufFile::number(GgufFile::kString) +
                   GgufFile::text("ll\xFFma");
    inspectGguf(file.bytes(), 0, {"model.gguf", R"(ll\xFFma)"});
  }
};

NIB_TEST(AmplificationTest)
#include "amplification_test.moc"
