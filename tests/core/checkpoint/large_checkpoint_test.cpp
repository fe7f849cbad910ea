// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/checkpoint.hpp"
#include "nib_test.hpp"
#include "safetensors_file.hpp"

#include <QElapsedTimer>
#include <QTemporaryDir>
#include <QtTest>

#include <fstream>

#include <fcntl.h>
#include <unistd.h>

using namespace nibblesmith;
namespace fs = std::filesystem;

namespace {

/// Returns the resident memory of this process in bytes. Source: proc(5), /proc/pid/statm.
int64_t residentBytes() {
  std::ifstream file("/proc/self/statm");
  int64_t total = 0;
  int64_t resident = 0;
  file >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

constexpr int kShards = 26;
constexpr int kTensors = 12;
constexpr int64_t kTensorBytes = int64_t{42} << 20; ///< 26 * 12 * 42 MiB = 13.1 GB, F16

std::string tensorName(int shard, int tensor) {
  return "model.layers." + std::to_string(shard) + ".part" + std::to_string(tensor) + ".weight";
}

/// Writes a sparse shard: most of it is a hole, as files that are nearly all holes are refused.
void writeShard(const fs::path& path, int shard) {
  base::Json header;
  for (int t = 0; t < kTensors; ++t)
    header[tensorName(shard, t)] = {{"dtype", "F16"},
                                    {"shape", {kTensorBytes / 2 / 4096, 4096}},
                                    {"data_offsets", {t * kTensorBytes, (t + 1) * kTensorBytes}}};
  test::SafetensorsFile file;
  file.header = header.dump();
  file.data.clear();
  const std::string bytes = file.bytes();
  test::writeBytes(path, bytes);
  fs::resize_file(path, bytes.size() + static_cast<uint64_t>(kTensors * kTensorBytes));
  constexpr int64_t kStored = kTensors * kTensorBytes / 32;
  const int descriptor = ::open(path.c_str(), O_WRONLY);
  ::posix_fallocate(descriptor, static_cast<off_t>(bytes.size()), kStored);
  ::close(descriptor);
}

} // namespace

class LargeCheckpointTest : public QObject {
  Q_OBJECT

private slots:
  // Opening 13 GB in many shards reads only headers.
  void costsNothingUntilItIsUsed() {
    const QTemporaryDir root;
    const fs::path directory = fs::path(root.path().toStdString()) / "model";
    test::writeBytes(directory / "config.json", R"({"model_type": "llama"})");
    base::Json index;
    for (int shard = 0; shard < kShards; ++shard) {
      const std::string name = "model-" + std::to_string(shard) + ".safetensors";
      try {
        writeShard(directory / name, shard);
      } catch (const fs::filesystem_error& failure) {
        QSKIP("the temporary directory holds no sparse files of this size");
      }
      for (int t = 0; t < kTensors; ++t)
        index["weight_map"][tensorName(shard, t)] = name;
    }
    test::writeBytes(directory / "model.safetensors.index.json", index.dump());

    const int64_t before = residentBytes();
    QElapsedTimer timer;
    timer.start();
    const auto checkpoint = checkpoint::openCheckpoint(directory);
    const double seconds = static_cast<double>(timer.nsecsElapsed()) / 1e9;
    const int64_t growth = residentBytes() - before;
    int64_t total = 0;
    for (const auto& [name, view] : checkpoint->tensors)
      total += static_cast<int64_t>(view.bytes.size());
    QCOMPARE(total, kShards * kTensors * kTensorBytes);
    qInfo("%.1f GB in %d shards: open in %.3f s, %.2f MB more in memory", static_cast<double>(total) / 1e9,
          kShards, seconds, static_cast<double>(growth) / 1e6);
    QVERIFY2(growth < (int64_t{16} << 20), qPrintable(QString::number(growth)));

    // Negative control: tensors that are read become resident, until their pages are released.
    const tensor::TensorView& used = checkpoint->tensor(tensorName(3, 4));
    QVERIFY(tensor::toMatrix(used).isZero());
    const int64_t inUse = residentBytes() - before;
    QVERIFY2(inUse > kTensorBytes / 2, qPrintable(QString::number(inUse)));
    checkpoint->releasePages();
    QVERIFY(residentBytes() - before < inUse);
  }
};

NIB_TEST(LargeCheckpointTest)
#include "large_checkpoint_test.moc"
