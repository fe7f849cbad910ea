// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace nibblesmith::base {

/// Fixed set of worker threads for data-parallel loops. Each job has one pool, which is passed to its
/// functions. Any thread may own it, but only one thread at a time may call parallelFor().
class ThreadPool {
public:
  /// Starts the workers. threads: total number including the caller; 0 for the number of available
  /// processors.
  explicit ThreadPool(int threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(m_workers.size()) + 1; }

  /// Calls body(begin, end) for consecutive chunks of `chunk` items that cover [0, count). The chunks depend
  /// only on count and chunk, so a body that treats each chunk independently gives the same result for any
  /// number of threads. Rethrows the first exception of a body after all bodies have ended. A nested call
  /// runs on the calling thread.
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
