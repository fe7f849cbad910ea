// SPDX-License-Identifier: Apache-2.0
#include "base/memory.hpp"
#include "nib_test.hpp"

#include <QtTest>

#include <cstring>
#include <memory>
#include <vector>

#include <sys/resource.h>

using namespace nibblesmith;

namespace {

long pageFaults() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

/// Returns the page faults of repeatedly allocating, filling and freeing a few MiB.
long faultsOfRepeatedMatrices() {
  constexpr size_t kBytes = 3 << 20;
  const long before = pageFaults();
  for (int i = 0; i < 20; ++i) {
    std::vector<std::unique_ptr<char[]>> matrices;
    for (int m = 0; m < 8; ++m) {
      matrices.push_back(std::make_unique_for_overwrite<char[]>(kBytes));
      std::memset(matrices.back().get(), i, kBytes);
    }
  }
  return pageFaults() - before;
}

} // namespace

class MemoryTest : public QObject {
  Q_OBJECT

private slots:
  void freedMemoryIsUsedAgain() {
#if !defined(__GLIBC__) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    QSKIP("another allocator than glibc's");
#endif
    base::keepFreedMemory();
    faultsOfRepeatedMatrices();
    QVERIFY(faultsOfRepeatedMatrices() < 100);
  }
};

NIB_TEST(MemoryTest)
#include "memory_test.moc"
