// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace nibblesmith::base {

/// A fixed set of workers for data-parallel loops. One pool per job, passed in; any thread may own it,
/// but only one thread at a time may call parallelFor.
class ThreadPool {
public:
  /// threads: 1 or more, the caller's thread included; 0 takes the number of usable processors.
  explicit ThreadPool(int threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(m_workers.size()) + 1; }

  /// Calls body(begin, end) for consecutive chunks of `chunk` items covering [0, count). The cut into
  /// chunks depends on count and chunk alone, so a body that treats its chunk on its own gives the same
  /// result at any number of threads. The first exception of a body is rethrown here once all have ended.
  /// A nested call runs on the calling thread.
  void parallelFor(int64_t count, int64_t chunk, const std::function<void(int64_t begin, int64_t end)>& body);

private:
  struct Loop;
  void work(const std::stop_token& stop);
  static void runChunks(Loop& loop);

  std::mutex m_mutex;
  std::condition_variable_any m_wake;
  std::condition_variable m_done;
  Loop* m_loop = nullptr;
  uint64_t m_generation = 0;
  int m_busy = 0;
  std::vector<std::jthread> m_workers;
};

} // namespace nibblesmith::base
