// SPDX-License-Identifier: Apache-2.0
#include "base/thread_pool.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <atomic>
#include <exception>

#include <sched.h>

namespace nibblesmith::base {

namespace {

thread_local bool t_insideLoop = false;

int usableProcessors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0)
    return std::max(1, CPU_COUNT(&set));
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

} // namespace

struct ThreadPool::Loop {
  int64_t count;
  int64_t chunk;
  const std::function<void(int64_t, int64_t)>* body;
  std::atomic<int64_t> next{0};
  std::mutex mutex;
  std::exception_ptr error;
};

ThreadPool::ThreadPool(int threads) {
  if (threads < 0 || threads > 1024)
    throw Error(ErrorCode::InvalidArgument,
                "number of threads: expected 0 to 1024, found " + std::to_string(threads));
  const int total = threads == 0 ? usableProcessors() : threads;
  for (int i = 1; i < total; ++i)
    m_workers.emplace_back([this](const std::stop_token& stop) { work(stop); });
}

ThreadPool::~ThreadPool() {
  for (std::jthread& worker : m_workers)
    worker.request_stop();
  m_wake.notify_all();
}

void ThreadPool::parallelFor(int64_t count, int64_t chunk,
                             const std::function<void(int64_t, int64_t)>& body) {
  if (count <= 0)
    return;
  Loop loop{count, std::max<int64_t>(1, chunk), &body, {}, {}, {}};
  const bool serial = m_workers.empty() || t_insideLoop || count <= loop.chunk;
  if (!serial) {
    const std::lock_guard lock(m_mutex);
    m_loop = &loop;
    m_busy = static_cast<int>(m_workers.size());
    ++m_generation;
  }
  if (!serial)
    m_wake.notify_all();
  runChunks(loop);
  if (!serial) {
    std::unique_lock lock(m_mutex);
    m_done.wait(lock, [this] { return m_busy == 0; });
    m_loop = nullptr;
  }
  if (loop.error)
    std::rethrow_exception(loop.error);
}

void ThreadPool::runChunks(Loop& loop) {
  const bool outer = t_insideLoop;
  t_insideLoop = true;
  for (;;) {
    const int64_t begin = loop.next.fetch_add(loop.chunk);
    if (begin >= loop.count)
      break;
    try {
      (*loop.body)(begin, std::min(begin + loop.chunk, loop.count));
    } catch (...) {
      const std::lock_guard lock(loop.mutex);
      if (!loop.error)
        loop.error = std::current_exception();
      loop.next.store(loop.count);
    }
  }
  t_insideLoop = outer;
}

void ThreadPool::work(const std::stop_token& stop) {
  uint64_t seen = 0;
  std::unique_lock lock(m_mutex);
  while (m_wake.wait(lock, stop, [&] { return m_generation != seen; })) {
    seen = m_generation;
    Loop* loop = m_loop;
    lock.unlock();
    runChunks(*loop);
    lock.lock();
    if (--m_busy == 0)
      m_done.notify_one();
  }
}

} // namespace nibblesmith::base
