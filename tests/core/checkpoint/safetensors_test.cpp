// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/checkpoint.hpp"
#include "checkpoint/safetensors_writer.hpp"
#include "nib_test.hpp"
#include "refusal.hpp"
#include "test_data.hpp"

#include <QTemporaryDir>
#include <QtTest>

#include <filesystem>
#include <numeric>

using namespace nibblesmith;
using checkpoint::TensorToWrite;
using tensor::DType;
namespace fs = std::filesystem;

namespace {

// Returns a tensor with the bytes 0, 1, 2, …, shifted by `seed`.
TensorToWrite makeTensor(const std::string& name, DType dtype, std::vector<int64_t> shape, int seed) {
  return {name, dtype, shape, [=] {
            int64_t elements = 1;
            for (const int64_t size : shape)
              elements *= size;
            std::vector<std::byte> bytes(tensor::storageBytes(dtype, elements));
            for (size_t i = 0; i < bytes.size(); ++i)
              bytes[i] = static_cast<std::byte>((i + static_cast<size_t>(seed)) & 0x3f);
            return bytes;
          }};
}

const std::vector<TensorToWrite> kAllTypes = {
    makeTensor("f32", DType::F32, {3, 5}, 1),      makeTensor("f16", DType::F16, {7}, 2),
    makeTensor("bf16", DType::BF16, {2, 2, 2}, 3), makeTensor("f64", DType::F64, {1, 3}, 4),
    makeTensor("i8", DType::I8, {5}, 5),           makeTensor("u8", DType::U8, {4, 2}, 6),
    makeTensor("i16", DType::I16, {3}, 7),         makeTensor("i32", DType::I32, {2, 3}, 8),
    makeTensor("i64", DType::I64, {2}, 9),         makeTensor("bool", DType::Bool, {6}, 10),
    makeTensor("empty", DType::F32, {0, 4}, 0),    makeTensor("scalar", DType::F32, {}, 3)};

} // namespace

class SafetensorsTest : public QObject {
  Q_OBJECT

private:
  QTemporaryDir m_root;
  int m_next = 0;

  fs::path newDirectory() {
    const fs::path path = fs::path(m_root.path().toStdString()) / std::to_string(m_next++);
    fs::create_directories(path);
    base::writeFileAtomically(path / "config.json", R"({"model_type": "llama"})");
    return path;
  }
  fs::path sharded(const std::vector<std::vector<TensorToWrite>>& shards) {
    const fs::path path = newDirectory();
    base::Json index = {{"weight_map", base::Json::object()}};
    for (size_t i = 0; i < shards.size(); ++i) {
      const std::string file = "model-" + std::to_string(i) + ".safetensors";
      checkpoint::writeSafetensors(path / file, shards[i], {});
      for (const TensorToWrite& tensor : shards[i])
        index["weight_map"][tensor.name] = file;
    }
    base::writeFileAtomically(path / "model.safetensors.index.json", index.dump());
    return path;
  }

private slots:
  void everyTypeComesBack() {
    const fs::path path = newDirectory();
    checkpoint::writeSafetensors(path / "model.safetensors", kAllTypes, {{"format", "pt"}});
    const auto opened = checkpoint::openCheckpoint(path);
    QVERIFY(opened->format == checkpoint::Format::HuggingFace);
    QCOMPARE(opened->config.at("model_type").get<std::string>(), std::string("llama"));
    QCOMPARE(opened->tensors.size(), kAllTypes.size());
    for (const TensorToWrite& written : kAllTypes) {
      const tensor::TensorView& read = opened->tensor(written.name);
      QVERIFY(read.dtype == written.dtype);
      QCOMPARE(read.shape, written.shape);
      const std::vector<std::byte> bytes = written.bytes();
      QVERIFY2(std::equal(bytes.begin(), bytes.end(), read.bytes.begin(), read.bytes.end()),
               written.name.c_str());
    }
  }

  void headerIsPaddedAndKeepsTheOrder() {
    const fs::path path = newDirectory() / "x.safetensors";
    checkpoint::writeSafetensors(
        path, {makeTensor("z", DType::I8, {3}, 0), makeTensor("a", DType::I8, {5}, 0)}, {{"k", "v"}});
    const std::string bytes = base::readTextFile(path);
    uint64_t headerBytes = 0;
    std::memcpy(&headerBytes, bytes.data(), 8);
    QCOMPARE(headerBytes % 8, uint64_t{0});
    QCOMPARE(bytes.size(), 8 + headerBytes + 8);
    const base::Json header = base::parseJson(std::string_view(bytes).substr(8, headerBytes), "header");
    QVERIFY((header.at("z").at("data_offsets") == base::Json{0, 3}));
    QVERIFY((header.at("a").at("data_offsets") == base::Json{3, 8}));
    QCOMPARE(header.at("__metadata__").at("k").get<std::string>(), std::string("v"));
  }

  void tensorsOutliveTheCheckpoint() {
    const fs::path path = newDirectory();
    checkpoint::writeSafetensors(path / "model.safetensors", kAllTypes, {});
    const tensor::TensorView view = checkpoint::openCheckpoint(path)->tensor("u8");
    fs::remove_all(path);
    QCOMPARE(static_cast<int>(view.bytes[0]), 6);
  }

  void shardsAreOneModel() {
    const fs::path path =
        sharded({{kAllTypes.begin(), kAllTypes.begin() + 4}, {kAllTypes.begin() + 4, kAllTypes.end()}});
    const auto opened = checkpoint::openCheckpoint(path);
    QCOMPARE(opened->tensors.size(), kAllTypes.size());
    const fs::path single = newDirectory();
    checkpoint::writeSafetensors(single / "model.safetensors", kAllTypes, {});
    // Equal content has an equal hash, independent of its shards …
    const std::string hash = checkpoint::contentHash(*opened, {});
    QCOMPARE(hash, checkpoint::contentHash(*checkpoint::openCheckpoint(single), {}));
    QCOMPARE(hash.size(), size_t{64});
    // … and one changed bit another.
    std::vector<TensorToWrite> changed = kAllTypes;
    changed[0].bytes = [] {
      std::vector<std::byte> bytes = kAllTypes[0].bytes();
      bytes[17] ^= std::byte{1};
      return bytes;
    };
    checkpoint::writeSafetensors(single / "model.safetensors", changed, {});
    QVERIFY(hash != checkpoint::contentHash(*checkpoint::openCheckpoint(single), {}));
    base::writeFileAtomically(path / "config.json", R"({"model_type": "qwen2"})");
    QVERIFY(hash != checkpoint::contentHash(*checkpoint::openCheckpoint(path), {}));
  }

  void hashStops() {
    const fs::path path = newDirectory();
    checkpoint::writeSafetensors(path / "model.safetensors", kAllTypes, {});
    std::stop_source stop;
    stop.request_stop();
    QVERIFY_EXCEPTION_THROWN(checkpoint::contentHash(*checkpoint::openCheckpoint(path), stop.get_token()),
                             base::Cancelled);
  }

  void missingShard() {
    const fs::path path =
        sharded({{makeTensor("a", DType::F32, {1}, 0)}, {makeTensor("b", DType::F32, {1}, 0)}});
    fs::remove(path / "model-1.safetensors");
    const std::string wrong =
        test::check(test::refusalOf([&] { checkpoint::openCheckpoint(path); }), base::ErrorCode::NotFound,
                    {"model-1.safetensors", "'b'", "index.json"});
    QVERIFY2(wrong.empty(), wrong.c_str());
  }

  void shardWithoutItsTensor() {
    const fs::path path =
        sharded({{makeTensor("a", DType::F32, {1}, 0), makeTensor("b", DType::F32, {1}, 0)}});
    checkpoint::writeSafetensors(path / "model-0.safetensors", {makeTensor("a", DType::F32, {1}, 0)}, {});
    const std::string wrong = test::check(test::refusalOf([&] { checkpoint::openCheckpoint(path); }),
                                          base::ErrorCode::Corrupt, {"model-0.safetensors", "'b'"});
    QVERIFY2(wrong.empty(), wrong.c_str());
  }

  void shardsMayNotLeaveTheDirectory() {
    const fs::path path = newDirectory();
    base::writeFileAtomically(path / "model.safetensors.index.json",
                              R"({"weight_map": {"a": "../other/model.safetensors"}})");
    const std::string wrong = test::check(test::refusalOf([&] { checkpoint::openCheckpoint(path); }),
                                          base::ErrorCode::Corrupt, {"index.json", "'a'", "same directory"});
    QVERIFY2(wrong.empty(), wrong.c_str());
  }

  void writerRefuses_data() {
    QTest::addColumn<int>("which");
    QTest::newRow("the same name twice") << 0;
    QTest::newRow("bytes that do not fit the shape") << 1;
    QTest::newRow("a block type") << 2;
    QTest::newRow("a negative size") << 3;
    QTest::newRow("a reserved name") << 4;
  }
  void writerRefuses() {
    QFETCH(int, which);
    std::vector<TensorToWrite> tensors = {makeTensor("a", DType::F32, {2}, 0)};
    if (which == 0)
      tensors.push_back(tensors[0]);
    if (which == 1)
      tensors[0].shape = {3};
    if (which == 2)
      tensors[0].dtype = DType::Q4_0;
    if (which == 3)
      tensors[0].shape = {-2};
    if (which == 4)
      tensors[0].name = "__metadata__";
    const fs::path directory = newDirectory();
    const auto refusal =
        test::refusalOf([&] { checkpoint::writeSafetensors(directory / "x.safetensors", tensors, {}); });
    QVERIFY(refusal && refusal->code == base::ErrorCode::InvalidArgument);
    // No partial file remains, only config.json.
    QCOMPARE(std::distance(fs::directory_iterator(directory), fs::directory_iterator()), std::ptrdiff_t{1});
  }

  void realModel() {
    const fs::path path = test::sharedData("stories260K/hf");
    NIB_REQUIRE_DATA(path);
    const auto opened = checkpoint::openCheckpoint(path);
    QCOMPARE(opened->tensors.size(), size_t{47});
    QCOMPARE(opened->tensor("model.embed_tokens.weight").describe(), std::string("[512, 64] F32"));
    QVERIFY(test::refusalOf([&] { opened->tensor("lm_head.weight"); })->message.find("lm_head.weight") !=
            std::string::npos);
  }
};

NIB_TEST(SafetensorsTest)
#include "safetensors_test.moc"
