// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "quantization/rounding.hpp"
#include "quantization_cases.hpp"

#include <QTest>

#include <chrono>
#include <ctime>
#include <limits>
#include <stop_token>
#include <string>
#include <thread>

/// Edge cases for every rounding and transform: unusual shapes and values, invalid input, a stop.
namespace nibblesmith::test {

/// Returns tr(dW H dW^T).
inline double outputError(const tensor::Matrix& W, const tensor::Matrix& quantized, const tensor::Matrix& H) {
  const tensor::MatrixD d = (quantized - W).cast<double>();
  return ((d * H.cast<double>()).cwiseProduct(d)).sum();
}

inline tensor::Matrix roundedToNearest(const tensor::Matrix& W, const quantization::Grid& grid) {
  tensor::Matrix Q = W;
  tensor::QuantizedTensor codes = quantization::emptyTensor(grid, W.rows(), W.cols());
  for (int64_t r = 0; r < W.rows(); ++r)
    quantization::roundRowToNearest(&W(r, 0), grid, {}, "w", r, codes, &Q(r, 0));
  return Q;
}

enum class Fill { Random, ZeroGroup, Outlier, Constant };

/// Adds the columns rows, cols, groupSize and fill, and the rows of a data-driven test.
inline void addEdgeRows() {
  QTest::addColumn<int>("rows");
  QTest::addColumn<int>("cols");
  QTest::addColumn<int>("groupSize");
  QTest::addColumn<int>("fill");
  const auto row = [](const char* name, int rows, int cols, int groupSize, Fill fill) {
    QTest::newRow(name) << rows << cols << groupSize << static_cast<int>(fill);
  };
  row("one row", 1, 100, 32, Fill::Random);
  row("one column", 30, 1, 32, Fill::Random);
  row("one weight", 1, 1, 0, Fill::Random);
  row("tail group of one column", 5, 65, 32, Fill::Random);
  row("group longer than a row", 5, 20, 32, Fill::Random);
  row("all-zero group", 5, 96, 32, Fill::ZeroGroup);
  row("one outlier", 5, 96, 32, Fill::Outlier);
  row("constant", 5, 96, 32, Fill::Constant);
}

/// Weights of a row from addEdgeRows(); the all-zero group is columns 32 to 63.
struct Edge {
  tensor::Matrix W;
  int64_t groupSize = 0;
  Fill fill = Fill::Random;
};

inline Edge fetchEdge() {
  QFETCH(int, rows);
  QFETCH(int, cols);
  QFETCH(int, groupSize);
  QFETCH(int, fill);
  Edge edge{makeWeights(rows, cols, 51), groupSize, static_cast<Fill>(fill)};
  if (edge.fill == Fill::ZeroGroup)
    edge.W.middleCols(32, 32).setZero();
  if (edge.fill == Fill::Outlier)
    edge.W(2, 40) = 1000.0f;
  if (edge.fill == Fill::Constant)
    edge.W.setConstant(0.75f);
  return edge;
}

/// Checks that invalid weights and, if the rounding uses it, invalid Hessians are rejected with the tensor's
/// name.
inline void checkBadInputIsNamed(const quantization::Rounding& rounding) {
  base::ThreadPool pool(2);
  const auto grid = quantization::makeGrid("affine", gridParameters(4, 32, true));
  const tensor::Matrix W = makeWeights(4, 64, 61);
  const tensor::Matrix H = makeHessian(64, 62, {});
  const bool needsHessian = rounding.needsHessian();
  const auto messageOf = [&](const tensor::Matrix& weights, const tensor::Matrix* hessian) {
    try {
      rounding.round({"layer.q", weights, hessian, *grid}, pool, {});
    } catch (const base::Error& error) {
      return std::to_string(static_cast<int>(error.code())) + " " + error.what();
    }
    return std::string("no error");
  };
  const auto expect = [&](const std::string& message, base::ErrorCode code) {
    QVERIFY2(message.starts_with(std::to_string(static_cast<int>(code))), message.c_str());
    QVERIFY2(message.find("layer.q") != std::string::npos, message.c_str());
  };
  const tensor::Matrix* good = needsHessian ? &H : nullptr;
  QCOMPARE(messageOf(W, good), std::string("no error"));
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 3e38f}) {
    tensor::Matrix broken = W;
    broken(3, 5) = bad;
    expect(messageOf(broken, good), base::ErrorCode::Numerical);
  }
  if (!needsHessian)
    return;
  expect(messageOf(W, nullptr), base::ErrorCode::InvalidArgument);
  const tensor::Matrix small = makeHessian(32, 62, {});
  expect(messageOf(W, &small), base::ErrorCode::InvalidArgument);
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    tensor::Matrix broken = H;
    broken(7, 7) = bad;
    expect(messageOf(W, &broken), base::ErrorCode::Numerical);
    broken = H;
    broken(9, 4) = broken(4, 9) = bad;
    expect(messageOf(W, &broken), base::ErrorCode::Numerical);
  }
}

/// Returns a Hessian that takes long to factorize and needs no data.
inline tensor::Matrix denseHessian(int64_t size) {
  tensor::Matrix H = tensor::Matrix::Constant(size, size, 0.5f);
  H.diagonal().array() += 1.0f;
  return H;
}

/// Checks that round() ends within half a second after a stop that is requested `delayMs` after its start.
inline void checkCancelsInTime(const quantization::Rounding& rounding,
                               const quantization::RoundingProblem& problem, int delayMs) {
  constexpr int kThreads = 2;
  base::ThreadPool pool(kThreads);
  std::stop_source source;
  std::clock_t stopped = 0;
  std::jthread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(delayMs));
    stopped = std::clock();
    source.request_stop();
  });
  QVERIFY_THROWS_EXCEPTION(base::Cancelled, rounding.round(problem, pool, source.get_token()));
  canceller.join();
  // CPU time of all threads, which a busy machine does not stretch.
  const double late = static_cast<double>(std::clock() - stopped) / CLOCKS_PER_SEC;
  QVERIFY2(late < kThreads * 0.5, qPrintable(QString::number(late)));
}

} // namespace nibblesmith::test
