// SPDX-License-Identifier: Apache-2.0
#include "runtime/kernels/dispatch.hpp"

namespace nibblesmith::runtime::kernels {

std::vector<const Table*> supported() {
  std::vector<const Table*> tables = {&kGeneric};
#if defined(__x86_64__)
  const bool avx2 =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  if (avx2)
    tables.push_back(&kAvx2);
  if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
    tables.push_back(&kAvx512);
    static const Table vnni = [] {
      Table table = kAvx512;
      table.name = "AVX-512 VNNI";
      table.dotInt8 = dotInt8Vnni;
      return table;
    }();
    if (__builtin_cpu_supports("avx512vnni"))
      tables.push_back(&vnni);
  }
#elif defined(__aarch64__)
  tables.push_back(&kNeon);
#endif
  return tables;
}

const Table& best() {
  static const Table* const table = supported().back();
  return *table;
}

} // namespace nibblesmith::runtime::kernels
