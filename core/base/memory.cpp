// SPDX-License-Identifier: Apache-2.0
#include "base/memory.hpp"

#include <cstdlib>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace nibblesmith::base {

void keepFreedMemory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 32 << 20); // largest value that glibc accepts
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
#endif
}

} // namespace nibblesmith::base
