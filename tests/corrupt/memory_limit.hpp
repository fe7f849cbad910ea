// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <fstream>

#include <sys/resource.h>
#include <unistd.h>

namespace nibblesmith::test {

/// RAII limit on additional memory of this process: allocations beyond it throw std::bad_alloc. No effect
/// under sanitizers, which map terabytes.
class MemoryLimit {
public:
  explicit MemoryLimit(uint64_t bytes) {
    ::getrlimit(RLIMIT_AS, &m_before);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    uint64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    rlimit limit = m_before;
    limit.rlim_cur = pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)) + bytes;
    ::setrlimit(RLIMIT_AS, &limit);
#endif
  }
  ~MemoryLimit() { ::setrlimit(RLIMIT_AS, &m_before); }
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;

private:
  rlimit m_before{};
};

} // namespace nibblesmith::test
