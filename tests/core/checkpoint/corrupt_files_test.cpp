// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/checkpoint.hpp"
#include "checkpoint/weight_statistics.hpp"
#include "gguf_file.hpp"
#include "nib_test.hpp"
#include "refusal.hpp"
#include "safetensors_file.hpp"

#include <QTemporaryDir>
#include <QtTest>

#include <random>

using namespace nibblesmith;
using base::ErrorCode;
using test::GgufFile;
using test::SafetensorsFile;
namespace fs = std::filesystem;

/// Files with one defect each: all are rejected with a sentence that names it; none crashes.
class CorruptFilesTest : public QObject {
  Q_OBJECT

private:
  QTemporaryDir m_root;
  int m_next = 0;

  fs::path newPath() { return fs::path(m_root.path().toStdString()) / std::to_string(m_next++); }

  static void columns() {
    QTest::addColumn<std::string>("bytes");
    QTest::addColumn<int>("code");
    QTest::addColumn<std::vector<std::string>>("words");
  }
  static void row(const char* name, const std::string& bytes, ErrorCode code,
                  std::vector<std::string> words) {
    QTest::newRow(name) << bytes << static_cast<int>(code) << std::move(words);
  }
  static void safetensorsRow(const char* name, const std::string& header, std::vector<std::string> words,
                             ErrorCode code = ErrorCode::Corrupt,
                             const std::string& data = std::string(24, 'x')) {
    SafetensorsFile file;
    file.header = header;
    file.data = data;
    row(name, file.bytes(), code, std::move(words));
  }
  static std::string entry(const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return R"({"a":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
  }

private slots:
  void safetensors_data() {
    columns();
    const std::string good = SafetensorsFile().bytes();
    row("empty file", "", ErrorCode::Corrupt, {"0 bytes"});
    row("seven bytes", good.substr(0, 7), ErrorCode::Corrupt, {"7 bytes"});
    row("header cut short", good.substr(0, 60), ErrorCode::Corrupt, {"header", "cut short"});
    row("data cut short", good.substr(0, good.size() - 1), ErrorCode::Corrupt, {"'b'", "outside"});
    row("a byte too many", good + "x", ErrorCode::Corrupt, {"end at byte 24"});
    SafetensorsFile lying;
    lying.claimedHeaderBytes = 1'000'000;
    row("header length past the end", lying.bytes(), ErrorCode::Corrupt, {"1000000"});
    lying.claimedHeaderBytes = ~uint64_t{0} - 1;
    row("header length overflows", lying.bytes(), ErrorCode::Corrupt, {"18446744073709551614"});
    lying.claimedHeaderBytes = 30;
    row("header length too short", lying.bytes(), ErrorCode::Corrupt, {"JSON"});
    safetensorsRow("header is no JSON", "{nonsense", {"JSON"});
    safetensorsRow("header is an array", "[1]", {"expected an object", "array"});
    safetensorsRow("header nested too deeply",
                   R"({"a":)" + std::string(100, '[') + std::string(100, ']') + "}", {"'a[0]", "nested"});
    safetensorsRow("header is an array", std::string(100, '[') + std::string(100, ']'), {"object", "array"});
    safetensorsRow("entry is a number", R"({"a":3})", {"'a'", "object"});
    safetensorsRow("unknown type", entry(R"("FP16")", "[12]", "[0,24]"), {"'a'", "FP16"});
    safetensorsRow("type that is a number", entry("16", "[12]", "[0,24]"), {"'a'", "dtype", "16"});
    safetensorsRow("type that is not supported", entry(R"("F8_E8M0")", "[24]", "[0,24]"), {"'a'", "F8_E8M0"},
                   ErrorCode::NotSupported);
    safetensorsRow("shape missing", R"({"a":{"dtype":"F16","data_offsets":[0,24]}})",
                   {"'a'", "shape", "nothing"});
    safetensorsRow("negative size", entry(R"("F16")", "[-12]", "[0,24]"), {"'a'", "shape", "-12"});
    safetensorsRow("size that is no integer", entry(R"("F16")", "[1.5]", "[0,24]"), {"'a'", "shape"});
    safetensorsRow("shape of a thousand dimensions",
                   entry(R"("F16")",
                         "[1" +
                             [] {
                               std::string s;
                               for (int i = 0; i < 999; ++i)
                                 s += ",1";
                               return s;
                             }() +
                             "]",
                         "[0,24]"),
                   {"'a'", "shape"});
    safetensorsRow("shape that overflows", entry(R"("F16")", "[4294967296,4294967296,4294967296]", "[0,24]"),
                   {"'a'", "overflows"});
    safetensorsRow("bytes that overflow", entry(R"("F64")", "[4611686018427387904]", "[0,24]"),
                   {"'a'", "overflows"});
    safetensorsRow("shape that needs more bytes", entry(R"("F32")", "[12]", "[0,24]"), {"'a'", "48", "24"});
    safetensorsRow("offsets past the end", entry(R"("F16")", "[50]", "[0,100]"), {"'a'", "100", "24"});
    safetensorsRow("offsets that overflow",
                   entry(R"("F16")", "[12]", "[18446744073709551600,18446744073709551615]"),
                   {"'a'", "outside"});
    safetensorsRow("offsets reversed", entry(R"("F16")", "[12]", "[24,0]"), {"'a'", "end before they begin"});
    safetensorsRow("one offset", entry(R"("F16")", "[12]", "[0]"), {"'a'", "data_offsets"});
    safetensorsRow("offsets that are texts", entry(R"("F16")", "[12]", R"(["0","24"])"),
                   {"'a'", "data_offsets"});
    safetensorsRow(
        "tensors overlap",
        R"({"a":{"dtype":"U8","shape":[14],"data_offsets":[0,14]},"b":{"dtype":"U8","shape":[14],"data_offsets":[10,24]}})",
        {"'a'", "'b'", "overlap"});
    safetensorsRow(
        "gap between tensors",
        R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[20,24]}})",
        {"'b'", "16 bytes"});
    safetensorsRow(
        "tensor listed twice",
        R"({"a":{"dtype":"U8","shape":[24],"data_offsets":[0,24]},"a":{"dtype":"U8","shape":[24],"data_offsets":[0,24]}})",
        {"'a'", "twice"});
  }
  void safetensors() {
    QFETCH(std::string, bytes);
    QFETCH(int, code);
    QFETCH(std::vector<std::string>, words);
    const fs::path path = newPath();
    test::writeModel(path, bytes);
    words.push_back((path / "model.safetensors").string());
    const std::string wrong = test::check(test::refusalOf([&] { checkpoint::openCheckpoint(path); }),
                                          static_cast<ErrorCode>(code), words);
    QVERIFY2(wrong.empty(), wrong.c_str());
  }

  void gguf_data() {
    columns();
    const auto with = [](auto change) {
      GgufFile file = GgufFile::valid();
      change(file);
      return file.bytes();
    };
    const std::string good = GgufFile::valid().bytes();
    row("empty file", "", ErrorCode::Corrupt, {"GGUF"});
    row("wrong magic", with([](GgufFile& f) { f.magic = "GGML"; }), ErrorCode::Corrupt, {"'GGUF'"});
    row("version 1", with([](GgufFile& f) { f.version = 1; }), ErrorCode::NotSupported,
        {"version 2 or 3", "1"});
    row("version 4", with([](GgufFile& f) { f.version = 4; }), ErrorCode::NotSupported,
        {"version 2 or 3", "4"});
    row("big-endian", with([](GgufFile& f) { f.version = 0x03000000; }), ErrorCode::NotSupported,
        {"big-endian"});
    row("header cut short", good.substr(0, 20), ErrorCode::Corrupt, {"cut short"});
    row("data cut short", good.substr(0, good.size() - 1), ErrorCode::Corrupt, {"'v'", "cut short"});
    row("huge key count", with([](GgufFile& f) { f.claimedKeys = uint64_t{1} << 62; }), ErrorCode::Corrupt,
        {"4611686018427387904 keys"});
    row("huge tensor count", with([](GgufFile& f) { f.claimedTensors = uint64_t{1} << 62; }),
        ErrorCode::Corrupt, {"tensors"});
    row("one key too many", with([](GgufFile& f) { f.claimedKeys = f.keys.size() + 1; }), ErrorCode::Corrupt,
        {});
    row("one tensor too many", with([](GgufFile& f) { f.claimedTensors = f.tensors.size() + 1; }),
        ErrorCode::Corrupt, {});
    row("key of unknown type", with([](GgufFile& f) { f.key("k", 13, "xxxx"); }), ErrorCode::Corrupt,
        {"'k'", "13"});
    row("key twice", with([](GgufFile& f) { f.key("llama.block_count", 4, "xxxx"); }), ErrorCode::Corrupt,
        {"llama.block_count", "twice"});
    row("string past the end", with([](GgufFile& f) { f.key("k", 8, GgufFile::number<uint64_t>(1u << 30)); }),
        ErrorCode::Corrupt, {"k", "1073741824"});
    row("string length overflows", with([](GgufFile& f) { f.key("k", 8, GgufFile::number(~uint64_t{0})); }),
        ErrorCode::Corrupt, {"18446744073709551615"});
    row("huge array", with([](GgufFile& f) {
          f.key("k", 9, GgufFile::number<uint32_t>(0) + GgufFile::number(~uint64_t{0}));
        }),
        ErrorCode::Corrupt, {"'k'", "array"});
    row("array of unknown type", with([](GgufFile& f) {
          f.key("k", 9, GgufFile::number<uint32_t>(99) + GgufFile::number<uint64_t>(1) + "x");
        }),
        ErrorCode::Corrupt, {"'k'", "99"});
    std::string nested;
    for (int i = 0; i < 100000; ++i)
      nested += GgufFile::number<uint32_t>(9) + GgufFile::number<uint64_t>(1);
    row("arrays nested deeply", with([&](GgufFile& f) { f.key("k", 9, nested); }), ErrorCode::Corrupt,
        {"'k'", "nested"});
    row("no dimensions", with([](GgufFile& f) { f.tensor("x", {}, 0, 0); }), ErrorCode::Corrupt,
        {"'x'", "dimensions"});
    row("five dimensions", with([](GgufFile& f) {
          f.tensor("x", {1, 1, 1, 1, 1}, 0, 0);
        }),
        ErrorCode::Corrupt, {"'x'", "5"});
    row("shape that overflows", with([](GgufFile& f) {
          f.tensor("x", {uint64_t{1} << 40, uint64_t{1} << 40}, 0, 0);
        }),
        ErrorCode::Corrupt, {"'x'", "overflows"});
    row("size that is negative", with([](GgufFile& f) { f.tensor("x", {~uint64_t{0}}, 0, 0); }),
        ErrorCode::Corrupt, {"'x'", "overflows"});
    row("bytes that overflow", with([](GgufFile& f) { f.tensor("x", {uint64_t{1} << 62}, 0, 0); }),
        ErrorCode::Corrupt, {"'x'", "overflow"});
    row("type that is not read", with([](GgufFile& f) { f.tensor("x", {256}, 16, 64); }),
        ErrorCode::NotSupported, {"'x'", "IQ2_XXS", "Q2_K to Q6_K"});
    row("unknown type", with([](GgufFile& f) { f.tensor("x", {4}, 4711, 64); }), ErrorCode::Corrupt,
        {"'x'", "4711"});
    row("rows that do not fill blocks", with([](GgufFile& f) {
          f.tensor("x", {16, 2}, 8, 64);
        }),
        ErrorCode::Corrupt, {"'x'", "blocks", "Q8_0"});
    row("offset past the end", with([](GgufFile& f) { f.tensor("x", {4}, 0, 4096); }), ErrorCode::Corrupt,
        {"'x'", "4096"});
    row("offset that overflows", with([](GgufFile& f) { f.tensor("x", {8}, 0, ~uint64_t{31}); }),
        ErrorCode::Corrupt, {"'x'"});
    row("offset not aligned", with([](GgufFile& f) { f.tensor("x", {4}, 0, 4); }), ErrorCode::Corrupt,
        {"'x'", "multiple"});
    row("tensors overlap", with([](GgufFile& f) { f.tensor("x", {8}, 0, 32); }), ErrorCode::Corrupt,
        {"'x'", "'v'", "overlap"});
    row("tensor twice", with([](GgufFile& f) { f.tensor("w", {8}, 0, 0); }), ErrorCode::Corrupt,
        {"'w'", "twice"});
    row("alignment of zero",
        with([](GgufFile& f) { f.key("general.alignment", 4, GgufFile::number<uint32_t>(0)); }),
        ErrorCode::Corrupt, {"general.alignment", "0"});
    row("alignment of 24",
        with([](GgufFile& f) { f.key("general.alignment", 4, GgufFile::number<uint32_t>(24)); }),
        ErrorCode::Corrupt, {"general.alignment", "24"});
    row("alignment that is a text",
        with([](GgufFile& f) { f.key("general.alignment", 8, GgufFile::text("32")); }), ErrorCode::Corrupt,
        {"general.alignment"});
  }
  void gguf() {
    QFETCH(std::string, bytes);
    QFETCH(int, code);
    QFETCH(std::vector<std::string>, words);
    const fs::path path = newPath();
    test::writeBytes(path, bytes);
    words.push_back(path.string());
    const std::string wrong = test::check(test::refusalOf([&] { checkpoint::openCheckpoint(path); }),
                                          static_cast<ErrorCode>(code), words);
    QVERIFY2(wrong.empty(), wrong.c_str());
  }

  void directories_data() {
    QTest::addColumn<std::string>("file");
    columns();
    const auto add = [](const char* name, const std::string& file, const std::string& bytes, ErrorCode code,
                        std::vector<std::string> words) {
      QTest::newRow(name) << file << bytes << static_cast<int>(code) << std::move(words);
    };
    add("nothing of a model", "readme.txt", "x", ErrorCode::NotFound,
        {"looked for", "config.json (absent)", "model.safetensors"});
    add("config.json alone", "config.json", "{}", ErrorCode::NotFound,
        {"config.json (there)", "model.safetensors (absent)"});
    add("pickle", "pytorch_model.bin", "x", ErrorCode::NotSupported,
        {"pytorch_model.bin", "run code", "safetensors"});
    add("GGUF inside", "m.gguf", "x", ErrorCode::NotFound, {"m.gguf", "open that file"});
  }
  void directories() {
    QFETCH(std::string, file);
    QFETCH(std::string, bytes);
    QFETCH(int, code);
    QFETCH(std::vector<std::string>, words);
    const fs::path path = newPath();
    test::writeBytes(path / file, bytes);
    const std::string wrong = test::check(test::refusalOf([&] { checkpoint::openCheckpoint(path); }),
                                          static_cast<ErrorCode>(code), words);
    QVERIFY2(wrong.empty(), wrong.c_str());
  }

  void configs_data() {
    columns();
    row("cut short", "[1, 2", ErrorCode::Corrupt, {"JSON"});
    row("a list", "[]", ErrorCode::Corrupt, {"expected a JSON object", "array"});
    row("empty", "", ErrorCode::Corrupt, {"JSON"});
    row("nested deeply", std::string(1 << 20, '['), ErrorCode::Corrupt, {"nested"});
  }
  void configs() {
    QFETCH(std::string, bytes);
    QFETCH(int, code);
    QFETCH(std::vector<std::string>, words);
    const fs::path path = newPath();
    test::writeModel(path, SafetensorsFile().bytes(), bytes);
    words.push_back("config.json");
    const std::string wrong = test::check(test::refusalOf([&] { checkpoint::openCheckpoint(path); }),
                                          static_cast<ErrorCode>(code), words);
    QVERIFY2(wrong.empty(), wrong.c_str());
  }

  void notThere() {
    const std::string wrong =
        test::check(test::refusalOf([&] { checkpoint::openCheckpoint(newPath() / "no"); }),
                    ErrorCode::NotFound, {"No such file", m_root.path().toStdString()});
    QVERIFY2(wrong.empty(), wrong.c_str());
  }

  // The undamaged files are valid.
  void undamagedFilesOpen() {
    const fs::path directory = newPath();
    test::writeModel(directory, SafetensorsFile().bytes());
    QCOMPARE(checkpoint::openCheckpoint(directory)->tensors.size(), size_t{2});
    const fs::path file = newPath();
    test::writeBytes(file, GgufFile::valid().bytes());
    QCOMPARE(checkpoint::openCheckpoint(file)->tensors.size(), size_t{2});
  }

  // If another program truncates a file while it is read, missing bytes must not become a result.
  void cutShortAfterOpening() {
    const fs::path file = newPath();
    const fs::path directory = newPath();
    for (const size_t lost : {size_t{1}, size_t{20'000}}) {
      GgufFile gguf;
      gguf.tensor("w", {10'000}, 0, 0);
      gguf.data = std::string(40'000, '\0');
      test::writeBytes(file, gguf.bytes());
      SafetensorsFile safetensors;
      safetensors.header = R"({"w":{"dtype":"F32","shape":[100,100],"data_offsets":[0,40000]}})";
      safetensors.data = std::string(40'000, '\0');
      test::writeModel(directory, safetensors.bytes());
      for (const fs::path& path : {file, directory}) {
        const auto opened = checkpoint::openCheckpoint(path);
        checkpoint::contentHash(*opened, {});
        const fs::path weights = path == file ? file : directory / "model.safetensors";
        fs::resize_file(weights, fs::file_size(weights) - lost);
        for (const auto& call :
             std::vector<std::function<void()>>{[&] { checkpoint::contentHash(*opened, {}); },
                                                [&] { checkpoint::weightStatistics(*opened, "w", {}); }}) {
          const std::string wrong = test::check(test::refusalOf(call), ErrorCode::Io,
                                                {weights.string(), "changed while it was read"});
          QVERIFY2(wrong.empty(), wrong.c_str());
        }
      }
    }
  }

  void openingHearsTheStop() {
    const fs::path file = newPath();
    const fs::path directory = newPath();
    GgufFile gguf = GgufFile::valid();
    gguf.key("tokens", GgufFile::kArray, GgufFile::texts(std::vector<std::string>(100'000, "token")));
    test::writeBytes(file, gguf.bytes());
    test::writeModel(directory, SafetensorsFile().bytes());
    std::stop_source source;
    source.request_stop();
    QVERIFY_EXCEPTION_THROWN(checkpoint::openCheckpoint(file, source.get_token()), base::Cancelled);
    QVERIFY_EXCEPTION_THROWN(checkpoint::openCheckpoint(directory, source.get_token()), base::Cancelled);
  }

  // A truncated file is always rejected; a file with changed bytes is read or rejected, without a crash.
  void everyTruncation() {
    const fs::path file = newPath();
    const fs::path directory = newPath();
    const std::string gguf = GgufFile::valid().bytes();
    const std::string safetensors = SafetensorsFile().bytes();
    for (size_t size = 0; size < gguf.size(); ++size) {
      test::writeBytes(file, gguf.substr(0, size));
      QVERIFY2(test::refusalOf([&] { checkpoint::openCheckpoint(file); }), std::to_string(size).c_str());
    }
    for (size_t size = 0; size < safetensors.size(); ++size) {
      test::writeModel(directory, safetensors.substr(0, size));
      QVERIFY2(test::refusalOf([&] { checkpoint::openCheckpoint(directory); }), std::to_string(size).c_str());
    }
  }
  void changedBytes() {
    const fs::path file = newPath();
    const fs::path directory = newPath();
    std::mt19937 random(7);
    int refused = 0;
    constexpr int kRounds = 1500;
    for (int round = 0; round < kRounds; ++round) {
      const bool isGguf = round % 2 == 0;
      std::string bytes = isGguf ? GgufFile::valid().bytes() : SafetensorsFile().bytes();
      for (unsigned change = 0; change < 1 + random() % 3; ++change)
        bytes[random() % (bytes.size() - 64)] = static_cast<char>(static_cast<uint8_t>(random() & 0xff));
      const auto refusal = test::refusalOf([&] {
        if (isGguf)
          test::writeBytes(file, bytes);
        else
          test::writeModel(directory, bytes);
        const auto opened = checkpoint::openCheckpoint(isGguf ? file : directory);
        checkpoint::contentHash(*opened, {});
      });
      refused += refusal.has_value();
    }
    QVERIFY(refused > kRounds / 4);
    QVERIFY(refused < kRounds);
  }
};

NIB_TEST(CorruptFilesTest)
#include "corrupt_files_test.moc"
