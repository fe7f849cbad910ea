// SPDX-License-Identifier: Apache-2.0
// Prints the speed of this machine's matrix products in f32, bf16 and int8 over all threads, in 10^9
// operations per second, as JSON.
#include "base/json.hpp"
#include "base/thread_pool.hpp"
#include "tensor/bf16_matrix.hpp"
#include "tensor/gemm.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string_view>
#include <vector>

using namespace nibblesmith;

namespace {

constexpr int64_t kSize = 1024;

/// Returns the best total speed of several runs of one product of kSize on each thread.
double speed(base::ThreadPool& pool, const std::function<void(float*)>& product) {
  const int threads = pool.threads();
  std::vector<tensor::Matrix> results(static_cast<size_t>(threads), tensor::Matrix::Zero(kSize, kSize));
  double best = 0;
  for (int run = 0; run < 12; ++run) {
    const auto begin = std::chrono::steady_clock::now();
    pool.parallelFor(threads, 1, [&](int64_t first, int64_t last) {
      for (int64_t t = first; t < last; ++t)
        product(results[static_cast<size_t>(t)].data());
    });
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
    best = std::max(best, 2e-9 * threads * kSize * kSize * kSize / time.count());
  }
  return best;
}

} // namespace

int main(int argc, char** argv) {
  base::ThreadPool pool(argc == 3 && std::string_view(argv[1]) == "--threads" ? std::atoi(argv[2]) : 0);
  const tensor::Matrix values = tensor::Matrix::Random(kSize, kSize);
  const tensor::Bf16Matrix narrow = tensor::narrowed(values);
  const double f32 = speed(pool, [&](float* C) {
    tensor::gemmNT(kSize, kSize, kSize, 1.0f, values.data(), kSize, values.data(), kSize, 0.0f, C, kSize);
  });
  const double bf16 = speed(pool, [&](float* C) {
    tensor::bf16GemmNT(kSize, kSize, kSize, narrow.data(), kSize, narrow.data(), kSize, C, kSize);
  });
  const std::vector<int8_t> codes(static_cast<size_t>(kSize * kSize), 3);
  const double int8 = speed(pool, [&](float* C) {
    tensor::int8GemmNT(kSize, kSize, kSize, codes.data(), kSize, codes.data(), kSize, C, kSize);
  });
  std::printf("%s\n", base::Json({{"f32", f32}, {"bf16", bf16}, {"int8", int8}}).dump().c_str());
}
