// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "nib_test.hpp"
#include "quantization/block_file.hpp"
#include "quantization/rounding.hpp"
#include "refusal.hpp"
#include "special_files.hpp"

#include <QTemporaryDir>
#include <QTest>

#include <fstream>
#include <limits>
#include <random>

using namespace nibblesmith;
using quantization::BlockFile;
namespace fs = std::filesystem;

namespace {

tensor::QuantizedTensor randomTensor(int bits, int64_t rows, int64_t cols, int64_t groupSize, bool symmetric,
                                     bool indexed) {
  std::mt19937 generator(static_cast<uint32_t>(bits));
  const auto grid =
      quantization::makeGrid("affine", {{"bits", bits}, {"groupSize", groupSize}, {"symmetric", symmetric}});
  auto q = quantization::emptyTensor(*grid, rows, cols);
  for (auto& code : q.codes)
    code = static_cast<uint8_t>(generator() % (1u << bits));
  for (int64_t i = 0; i < q.scales.size(); ++i)
    q.scales.data()[i] = static_cast<float>(1 + generator() % 1000) / 1024.0f;
  for (auto& zero : q.zeroPoints)
    zero = static_cast<uint8_t>(symmetric ? 1u << (bits - 1) : generator() % (1u << bits));
  if (indexed)
    for (int64_t i = 0; i < cols; ++i)
      q.groupIndex.push_back(static_cast<int32_t>(static_cast<int64_t>(generator()) % q.groups()));
  return q;
}

tensor::QuantizedTensor withBooks(const char* use, const base::Json& parameters) {
  std::mt19937 generator(7);
  const auto grid = quantization::makeGrid(use, parameters);
  auto q = quantization::emptyTensor(*grid, 5, 37);
  std::vector<float> weights(37);
  std::vector<float> values(37);
  for (int64_t row = 0; row < 5; ++row) {
    for (float& w : weights)
      w = static_cast<float>(generator() % 2001) / 1000.0f - 1.0f;
    quantization::roundRowToNearest(weights.data(), *grid, {}, "w", row, q, values.data());
  }
  quantization::finishTensor(*grid, q);
  return q;
}

BlockFile sampleBlock() {
  BlockFile block;
  for (int bits = 2; bits <= 8; ++bits)
    block.linears["layer." + std::to_string(bits)] =
        randomTensor(bits, 3 + bits, 37, 16, bits % 2 == 0, bits == 5);
  block.linears["nf4"] = withBooks("nf4", {{"groupSize", 32}});
  block.linears["nested"] = withBooks("nf4", {{"groupSize", 32}, {"doubleQuant", true}});
  block.linears["learned"] = withBooks("learned", {{"bits", 3}, {"granularity", "group"}, {"groupSize", 16}});
  block.scales.push_back({1, tensor::Vector::LinSpaced(37, 0.5f, 2.0f)});
  block.scales.push_back({1, tensor::Vector::Constant(5, 1.0f / 3.0f)});
  quantization::LayerReport report;
  report.name = "layer.2";
  report.requested = "2-bit group 16 symmetric";
  report.effective = "2-bit group 16 symmetric";
  report.weightError = {1.0 / 3.0, 0.5, std::numeric_limits<double>::infinity(), 0.99};
  report.relativeOutputError = 0.1;
  report.fallbacks = {"one", "two"};
  report.seconds = 12;
  block.reports.push_back(report);
  return block;
}

std::string readBytes(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace

class BlockFileTest : public QObject {
  Q_OBJECT
private slots:
  void roundTrip();
  void sameBlockSameBytes();
  void anotherFingerprint();
  void everyFlippedByteIsDetected();
  void everyCutIsDetected();
  void missingFile();
  void namedPipe();

private:
  fs::path file(const char* name) { return fs::path(m_directory.path().toStdString()) / name; }
  static void write(const fs::path& path, const std::string& fingerprint,
                    const quantization::BlockFile& block) {
    base::AtomicFile out(path);
    quantization::writeBlockFile(out, fingerprint, block);
    out.commit();
  }
  QTemporaryDir m_directory;
};

void BlockFileTest::roundTrip() {
  const BlockFile block = sampleBlock();
  write(file("a"), "f", block);
  const BlockFile read = quantization::readBlockFile(file("a"), "f");
  QCOMPARE(read.linears.size(), block.linears.size());
  for (const auto& [name, q] : block.linears) {
    const auto& r = read.linears.at(name);
    QCOMPARE(r.codes, q.codes);
    QCOMPARE(r.zeroPoints, q.zeroPoints);
    QCOMPARE(r.groupIndex, q.groupIndex);
    QVERIFY(r.scales == q.scales);
    QCOMPARE(r.codeBooks.rows(), q.codeBooks.rows());
    QVERIFY(r.isAffine() || r.codeBooks == q.codeBooks);
    QVERIFY(r.nestedScales == q.nestedScales);
    QCOMPARE(r.bits, q.bits);
    QCOMPARE(r.groupSize, q.groupSize);
    QCOMPARE(r.symmetric, q.symmetric);
  }
  QCOMPARE(read.scales.size(), size_t{2});
  QCOMPARE(read.scales[0].stage, 1);
  QVERIFY(read.scales[0].s == block.scales[0].s && read.scales[1].s == block.scales[1].s);
  QCOMPARE(read.reports.size(), size_t{1});
  const auto& report = read.reports[0];
  QCOMPARE(report.name, std::string("layer.2"));
  QCOMPARE(report.weightError.meanSquaredError, 1.0 / 3.0);
  QVERIFY(std::isinf(report.weightError.signalToNoiseDb));
  QCOMPARE(report.fallbacks, (std::vector<std::string>{"one", "two"}));
  QCOMPARE(report.seconds, 0.0);
  // Codes are packed: 3-bit codes take 3 bits.
  QVERIFY(fs::file_size(file("a")) < 8000);
}

void BlockFileTest::sameBlockSameBytes() {
  BlockFile block = sampleBlock();
  write(file("a"), "f", block);
  block.reports[0].seconds = 99;
  write(file("b"), "f", block);
  QCOMPARE(readBytes(file("a")), readBytes(file("b")));
  block.linears.at("layer.4").codes[0] ^= 1;
  write(file("b"), "f", block);
  QVERIFY(readBytes(file("a")) != readBytes(file("b")));
}

void BlockFileTest::anotherFingerprint() {
  write(file("a"), "f", sampleBlock());
  try {
    quantization::readBlockFile(file("a"), "g");
    QFAIL("expected an error");
  } catch (const base::Error& error) {
    QVERIFY(error.code() == base::ErrorCode::InvalidArgument);
  }
}

void BlockFileTest::everyFlippedByteIsDetected() {
  write(file("a"), "f", sampleBlock());
  const std::string good = readBytes(file("a"));
  for (size_t at = 0; at < good.size(); at += 41) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x11);
    std::ofstream(file("b"), std::ios::binary) << bad;
    try {
      const BlockFile read = quantization::readBlockFile(file("b"), "f");
      // The checksum leaves out only the note for other programs and padding.
      QCOMPARE(read.linears.at("layer.4").codes, sampleBlock().linears.at("layer.4").codes);
      QVERIFY2(at < 64, qPrintable(QString::number(at)));
    } catch (const base::Error&) {
    }
  }
}

void BlockFileTest::everyCutIsDetected() {
  write(file("a"), "f", sampleBlock());
  const std::string good = readBytes(file("a"));
  for (size_t length = 0; length < good.size(); length += 211) {
    std::ofstream(file("b"), std::ios::binary) << good.substr(0, length);
    QVERIFY_THROWS_EXCEPTION(base::Error, quantization::readBlockFile(file("b"), "f"));
  }
}

// A block's name may stand for anything in a directory that others can write to: nothing is waited for.
void BlockFileTest::namedPipe() {
  QVERIFY(test::makeSpecial(test::SpecialFile::NamedPipe, file("pipe")));
  const std::string wrong =
      test::check(test::refusalOf([&] { quantization::readBlockFile(file("pipe"), "f"); }),
                  base::ErrorCode::Io, {file("pipe").string(), "a named pipe"});
  QVERIFY2(wrong.empty(), wrong.c_str());
}

void BlockFileTest::missingFile() {
  try {
    quantization::readBlockFile(file("none"), "f");
    QFAIL("expected an error");
  } catch (const base::Error& error) {
    QVERIFY(error.code() == base::ErrorCode::NotFound);
  }
  QCOMPARE(quantization::blockFilePath("d", 7), fs::path("d/block-0007.safetensors"));
}

NIB_TEST(BlockFileTest)
#include "block_file_test.moc"
