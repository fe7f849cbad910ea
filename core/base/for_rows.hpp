// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/thread_pool.hpp"

#include <algorithm>
#include <cstdint>

namespace nibblesmith::base {

/// Calls body(begin, end) on chunks of rows with about 16 thousand elements each. Smaller inputs run on the
/// calling thread.
template <typename Body>
void forRows(int64_t rows, int64_t columns, ThreadPool* pool, Body body) {
  const int64_t chunk = std::max<int64_t>(1, (16 << 10) / std::max<int64_t>(1, columns));
  if (pool && rows > chunk)
    pool->parallelFor(rows, chunk, body);
  else
    body(int64_t{0}, rows);
}

} // namespace nibblesmith::base
