// SPDX-License-Identifier: Apache-2.0
#include "base/thread_pool.hpp"

#include "base/error.hpp"
#include "nib_test.hpp"

#include <QtTest>

#include <atomic>
#include <cmath>
#include <set>

using namespace nibblesmith::base;

class ThreadPoolTest : public QObject {
  Q_OBJECT

private slots:
  void coversEveryItemOnce_data() {
    QTest::addColumn<int>("threads");
    QTest::addColumn<int>("count");
    QTest::addColumn<int>("chunk");
    for (const int threads : {1, 2, 5})
      for (const int count : {0, 1, 7, 1000})
        for (const int chunk : {-3, 1, 3, 64, 5000})
          QTest::addRow("%d threads, %d items, chunks of %d", threads, count, chunk)
              << threads << count << chunk;
  }
  void coversEveryItemOnce() {
    QFETCH(int, threads);
    QFETCH(int, count);
    QFETCH(int, chunk);
    ThreadPool pool(threads);
    QCOMPARE(pool.threads(), threads);
    std::vector<std::atomic<int>> visits(static_cast<size_t>(count));
    std::mutex mutex;
    std::set<std::pair<int64_t, int64_t>> chunks;
    pool.parallelFor(count, chunk, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        ++visits[static_cast<size_t>(i)];
      const std::lock_guard lock(mutex);
      chunks.emplace(begin, end);
    });
    QVERIFY(std::all_of(visits.begin(), visits.end(), [](const auto& visit) { return visit == 1; }));
    // The chunks depend only on count and chunk.
    const int64_t step = std::max(1, chunk);
    for (const auto& [begin, end] : chunks) {
      QCOMPARE(begin % step, int64_t{0});
      QCOMPARE(end, std::min<int64_t>(begin + step, count));
    }
  }

  void sameResultAtAnyNumberOfThreads() {
    const auto run = [](int threads) {
      ThreadPool pool(threads);
      std::vector<float> sums(40);
      pool.parallelFor(40 * 100, 100, [&](int64_t begin, int64_t end) {
        float sum = 0;
        for (int64_t i = begin; i < end; ++i)
          sum += std::sin(static_cast<float>(i)) * 1e3f;
        sums[static_cast<size_t>(begin / 100)] = sum;
      });
      return sums;
    };
    const std::vector<float> one = run(1);
    QVERIFY(one == run(2) && one == run(7));
    QVERIFY(one[0] != one[1]);
  }

  void manyLoopsInARow() {
    ThreadPool pool(4);
    std::atomic<int64_t> total{0};
    for (int i = 0; i < 3000; ++i)
      pool.parallelFor(8, 1, [&](int64_t begin, int64_t) { total += begin; });
    QCOMPARE(total.load(), int64_t{3000 * 28});
  }

  void exceptionsComeBack() {
    for (const int threads : {1, 4}) {
      ThreadPool pool(threads);
      std::atomic<int> running{0};
      bool caught = false;
      try {
        pool.parallelFor(100, 1, [&](int64_t begin, int64_t) {
          ++running;
          if (begin == 13)
            throw Error(ErrorCode::Numerical, "thirteen");
        });
      } catch (const Error& error) {
        caught = std::string(error.what()) == "thirteen";
      }
      QVERIFY(caught);
      // The pool is still usable.
      std::atomic<int> count{0};
      pool.parallelFor(50, 1, [&](int64_t, int64_t) { ++count; });
      QCOMPARE(count.load(), 50);
    }
  }

  void nestedCallsRunInPlace() {
    ThreadPool pool(3);
    std::atomic<int> count{0};
    pool.parallelFor(10, 1, [&](int64_t, int64_t) {
      const auto outer = std::this_thread::get_id();
      pool.parallelFor(10, 1, [&](int64_t, int64_t) { count += std::this_thread::get_id() == outer; });
    });
    QCOMPARE(count.load(), 100);
  }

  void refusesSillyCounts() {
    QVERIFY_EXCEPTION_THROWN(ThreadPool(-1), Error);
    QVERIFY_EXCEPTION_THROWN(ThreadPool(1 << 20), Error);
    QVERIFY(ThreadPool().threads() >= 1);
  }
};

NIB_TEST(ThreadPoolTest)
#include "thread_pool_test.moc"
