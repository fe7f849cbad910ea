// SPDX-License-Identifier: Apache-2.0
// Prints the speed of one thread that multiplies rows of each format by one token, for each instruction set
// of this machine: 10^9 weights per second for rows in the second-level cache, and GB/s for rows in memory,
// compared with a plain read. Arguments: names of formats (default: all).
#include "runtime/kernels/dispatch.hpp"
#include "tensor/half.hpp"
#include "tensor/tensor_view.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <functional>
#include <random>
#include <string>
#include <vector>

using namespace nibblesmith;
namespace kernels = runtime::kernels;

namespace {

constexpr int64_t kColumns = 2048;
constexpr int64_t kGroupBlocks = 2;
constexpr int64_t kGroups = kColumns / kernels::kBlock / kGroupBlocks;
constexpr int64_t kCachedBytes = 256 << 10;
constexpr int64_t kFarBytes = 96 << 20; ///< exceeds the share of the last-level cache that one core can use

struct Case {
  const char* name;
  kernels::Format format;
  tensor::DType dtype;
  int bits; ///< bits of affine grids and code books; 0: see dtype
};

constexpr Case kCases[] = {{"F32", kernels::kF32, tensor::DType::F32, 0},
                           {"F16", kernels::kF16, tensor::DType::F16, 0},
                           {"BF16", kernels::kBF16, tensor::DType::BF16, 0},
                           {"Q8_0", kernels::kQ8_0, tensor::DType::Q8_0, 0},
                           {"Q4_0", kernels::kQ4_0, tensor::DType::Q4_0, 0},
                           {"Q4_1", kernels::kQ4_1, tensor::DType::Q4_1, 0},
                           {"Q5_0", kernels::kQ5_0, tensor::DType::Q5_0, 0},
                           {"Q5_1", kernels::kQ5_1, tensor::DType::Q5_1, 0},
                           {"Q2_K", kernels::kQ2_K, tensor::DType::Q2_K, 0},
                           {"Q3_K", kernels::kQ3_K, tensor::DType::Q3_K, 0},
                           {"Q4_K", kernels::kQ4_K, tensor::DType::Q4_K, 0},
                           {"Q5_K", kernels::kQ5_K, tensor::DType::Q5_K, 0},
                           {"Q6_K", kernels::kQ6_K, tensor::DType::Q6_K, 0},
                           {"IQ4_NL", kernels::kIq4Nl, tensor::DType::IQ4_NL, 0},
                           {"IQ4_XS", kernels::kIq4Xs, tensor::DType::IQ4_XS, 0},
                           {"affine2", kernels::kAffine2, tensor::DType::F32, 2},
                           {"affine3", kernels::kAffine3, tensor::DType::F32, 3},
                           {"affine4", kernels::kAffine4, tensor::DType::F32, 4},
                           {"affine5", kernels::kAffine5, tensor::DType::F32, 5},
                           {"affine6", kernels::kAffine6, tensor::DType::F32, 6},
                           {"affine8", kernels::kAffine8, tensor::DType::F32, 8},
                           {"book4", kernels::kBook4, tensor::DType::F32, 4}};

/// Rows of one format with random bytes; masks bits to avoid infinite values.
struct Weights {
  kernels::Rows rows = {};
  int64_t count = 0;
  std::vector<uint8_t> codes;
  std::vector<uint16_t> scales;
  std::vector<int32_t> groupBlocks = std::vector<int32_t>(kGroups, kGroupBlocks);
  std::vector<float> book = std::vector<float>(64, 0.5f), bookScales;

  Weights(const Case& which, int64_t bytes) {
    rows.columns = kColumns;
    rows.rowBytes = which.bits > 0 ? kColumns * which.bits / 8
                                   : static_cast<int64_t>(tensor::storageBytes(which.dtype, kColumns));
    count = bytes / rows.rowBytes / 8 * 8;
    codes.resize(static_cast<size_t>(count * rows.rowBytes));
    std::mt19937 random(1);
    for (uint8_t& code : codes)
      code = static_cast<uint8_t>(random() & 0x3B);
    scales.assign(static_cast<size_t>(count * kGroups + 31), tensor::f32ToF16(0.01f));
    bookScales.assign(static_cast<size_t>(count * kGroups), 0.01f);
    rows.codes = codes.data();
    rows.scales = scales.data();
    rows.zeroPoint = 8;
    rows.groups = kGroups;
    rows.groupBlocks = groupBlocks.data();
    rows.sharedBook = book.data();
    rows.bookScales = bookScales.data();
  }
};

/// Returns the processor time of this thread, which excludes other load of the machine.
double processorSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// Returns the shortest time of several runs, in seconds.
double fastest(double atLeastSeconds, const std::function<void()>& run) {
  double best = 1e30;
  double total = 0;
  for (int i = 0; i < 3 || total < atLeastSeconds; ++i) {
    const double begin = processorSeconds();
    run();
    const double time = processorSeconds() - begin;
    best = std::min(best, time);
    total += time;
  }
  return best;
}

double secondsOf(const kernels::Table& table, const Case& which, const Weights& weights, const float* x,
                 double atLeastSeconds) {
  std::vector<float> y(static_cast<size_t>(weights.count));
  return fastest(atLeastSeconds, [&] {
    table.dot[which.format](weights.rows, 0, weights.count, {x, kColumns, 1, y.data(), weights.count});
  });
}

double readSpeed() {
  const std::vector<uint64_t> words(kFarBytes / 8, 1);
  volatile uint64_t sink = 0;
  const double seconds = fastest(0.3, [&] {
    uint64_t sums[8] = {};
    for (size_t i = 0; i < words.size(); i += 8)
      for (size_t k = 0; k < 8; ++k)
        sums[k] += words[i + k];
    for (const uint64_t sum : sums)
      sink = sink + sum;
  });
  return 1e-9 * static_cast<double>(kFarBytes) / seconds;
}

} // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> wanted(argv + 1, argv + argc);
  std::vector<float> values(kColumns + 16, 0.25f);
  // Has the same alignment as the inputs of a linear.
  void* at = values.data();
  size_t room = values.size() * sizeof(float);
  const auto* x = static_cast<const float*>(std::align(64, kColumns * sizeof(float), at, room));
  std::printf("plain read from memory: %.1f GB/s\n", readSpeed());
  std::printf("%-8s %-14s %12s %14s %10s\n", "", "", "10^9 w/s", "far 10^9 w/s", "far GB/s");
  for (const Case& which : kCases) {
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), which.name) == wanted.end())
      continue;
    const Weights near(which, kCachedBytes), far(which, kFarBytes);
    const std::vector<const kernels::Table*> tables = kernels::supported();
    for (const kernels::Table* table : tables) {
      const bool isSlow = table == tables.front() && tables.size() > 1;
      // The last table differs only in products of bytes.
      if (isSlow || (std::strcmp(table->name, "AVX-512 VNNI") == 0))
        continue;
      const double nearSeconds = secondsOf(*table, which, near, x, 0.05);
      const double farSeconds = secondsOf(*table, which, far, x, 0.3);
      const auto rate = [](const Weights& weights, double seconds) {
        return 1e-9 * static_cast<double>(weights.count * kColumns) / seconds;
      };
      std::printf("%-8s %-14s %12.2f %14.2f %10.2f\n", which.name, table->name, rate(near, nearSeconds),
                  rate(far, farSeconds),
                  rate(far, farSeconds) * static_cast<double>(far.rows.rowBytes) / kColumns);
    }
  }
}
