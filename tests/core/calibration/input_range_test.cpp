// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "base/json.hpp"
#include "base/thread_pool.hpp"
#include "calibration/input_range.hpp"
#include "nib_test.hpp"
#include "quantization_cases.hpp"
#include "tensor/bf16_matrix.hpp"
#include "test_data.hpp"

#include <QTest>

#include <cmath>
#include <limits>

using namespace nibblesmith;
using calibration::InputRange;
using calibration::RangeMethod;
using calibration::RangeOptions;
using tensor::Matrix;

namespace {

base::Json golden() { return base::readJsonFile(test::projectFile("tests/golden/calibration/ranges.json")); }

/// Returns the sequences of make_ranges.py.
std::vector<Matrix> sequencesOf(const base::Json& json) {
  const Matrix integers = test::makeInputs(40, json["seed"].get<uint64_t>(), {});
  std::vector<Matrix> sequences;
  const auto power = json["power"].get<double>();
  const auto shift = json["shift"].get<double>();
  for (int64_t s = 0; s < 3; ++s) {
    Matrix& sequence = sequences.emplace_back(80, 40);
    for (int64_t t = 0; t < 80; ++t)
      for (int64_t c = 0; c < 40; ++c) {
        const auto x = static_cast<double>(integers(80 * s + t, c));
        const double spread = static_cast<double>(((80 * s + t) * 37 + c * 11) % 101) / 50 - 1;
        sequence(t, c) = static_cast<float>(
            (x == 0 ? 0 : std::copysign(std::pow(std::abs(x), power), x) / 64) + spread + shift);
      }
  }
  if (json["outlier"] != 0.0)
    sequences[1](20, 7) = json["outlier"];
  return sequences;
}

InputRange findIn(const std::vector<Matrix>& sequences, const RangeOptions& options, base::ThreadPool& pool,
                  const tensor::Vector& scales = {}, const std::stop_token& stop = {}) {
  std::vector<tensor::Bf16Matrix> narrow;
  for (const Matrix& sequence : sequences)
    narrow.push_back(tensor::narrowed(sequence));
  calibration::InputRangeFinder finder(options, "layer.q", scales);
  while (finder.wantsInputs()) {
    // One sequence per call, like the engine.
    for (const tensor::Bf16Matrix& sequence : narrow) {
      const tensor::Bf16Matrix* one = &sequence;
      finder.add(std::span(&one, 1), pool, stop);
    }
    finder.endPass();
  }
  return finder.range();
}

} // namespace

class InputRangeTest : public QObject {
  Q_OBJECT

private:
  base::ThreadPool m_pool{2};
  InputRange find(const std::vector<Matrix>& sequences, const RangeOptions& options) {
    return findIn(sequences, options, m_pool);
  }

private slots:
  void asNumpy_data() {
    QTest::addColumn<int>("index");
    QTest::addColumn<QString>("key");
    QTest::addColumn<int>("method");
    int index = 0;
    const base::Json file = golden();
    for (const auto& json : file["cases"]) {
      const std::pair<const char*, RangeMethod> methods[] = {{"minmax", RangeMethod::MinMax},
                                                             {"movingAverage", RangeMethod::MovingAverage},
                                                             {"percentileRange", RangeMethod::Percentile},
                                                             {"mse", RangeMethod::MeanSquaredError},
                                                             {"kl", RangeMethod::KlDivergence}};
      for (const auto& [key, method] : methods)
        QTest::addRow("%s: %s", json["name"].get<std::string>().c_str(), key)
            << index << QString::fromLatin1(key) << static_cast<int>(method);
      ++index;
    }
  }
  void asNumpy() {
    QFETCH(int, index);
    QFETCH(QString, key);
    QFETCH(int, method);
    const base::Json json = golden()["cases"][static_cast<size_t>(index)];
    RangeOptions options;
    options.method = static_cast<RangeMethod>(method);
    options.bits = json["bits"];
    options.percentile = json["percentile"];
    options.averagingConstant = json["averagingConstant"];
    std::vector<Matrix> sequences = sequencesOf(json);
    const InputRange found = find(sequences, options);
    const auto expected = json[key.toStdString()].get<std::vector<float>>();
    const float tolerance = 1e-6f * (expected[1] - expected[0]);
    QVERIFY2(std::abs(found.minimum - expected[0]) <= tolerance &&
                 std::abs(found.maximum - expected[1]) <= tolerance,
             qPrintable(QStringLiteral("%1..%2, expected %3..%4")
                            .arg(found.minimum)
                            .arg(found.maximum)
                            .arg(expected[0])
                            .arg(expected[1])));
    // Negative control: other inputs have another range.
    for (Matrix& sequence : sequences)
      sequence *= 1.1f;
    const InputRange other = find(sequences, options);
    QVERIFY(std::abs(other.maximum - expected[1]) > 10 * tolerance);
  }

  void methodsDiffer() {
    // Each method clips a heavy tail at another place.
    const base::Json json = golden()["cases"][2];
    const std::vector<Matrix> sequences = sequencesOf(json);
    std::vector<float> reaches;
    for (const RangeMethod method : {RangeMethod::MinMax, RangeMethod::MovingAverage, RangeMethod::Percentile,
                                     RangeMethod::MeanSquaredError, RangeMethod::KlDivergence}) {
      const InputRange found = find(sequences, {method, 8, 99.9, 0.05});
      for (const float reach : reaches)
        QVERIFY(std::abs(found.maximum - reach) > 1e-3f * reach);
      reaches.push_back(found.maximum);
    }
  }

  void threadsDoNotChangeAnything() {
    const std::vector<Matrix> sequences = sequencesOf(golden()["cases"][0]);
    for (const RangeMethod method :
         {RangeMethod::MovingAverage, RangeMethod::Percentile, RangeMethod::KlDivergence}) {
      std::vector<InputRange> found;
      for (const int threads : {1, 2, 5}) {
        base::ThreadPool pool(threads);
        found.push_back(findIn(sequences, {method, 8, 99.0, 0.01}, pool));
      }
      QVERIFY(found[0].maximum == found[1].maximum && found[0].maximum == found[2].maximum);
      QVERIFY(found[0].minimum == found[1].minimum && found[0].minimum == found[2].minimum);
    }
  }

  void scalesDivideTheInputs() {
    const std::vector<Matrix> sequences = sequencesOf(golden()["cases"][0]);
    const RangeOptions options = {RangeMethod::Percentile, 8, 99.0, 0.01};
    const InputRange plain = find(sequences, options);
    const InputRange halved = findIn(sequences, options, m_pool, tensor::Vector::Constant(40, 2.0f));
    QCOMPARE(halved.maximum, plain.maximum / 2);
    QCOMPARE(halved.minimum, plain.minimum / 2);
  }

  void edges() {
    for (const RangeMethod method : {RangeMethod::MinMax, RangeMethod::MovingAverage, RangeMethod::Percentile,
                                     RangeMethod::MeanSquaredError, RangeMethod::KlDivergence}) {
      const InputRange zero = find({Matrix::Zero(4, 8)}, {method, 8, 99.99, 0.01});
      QVERIFY(zero.minimum == 0.0f && zero.maximum == 0.0f);
      const InputRange constant = find({Matrix::Constant(4, 8, 2.5f)}, {method, 8, 99.99, 0.01});
      QVERIFY(constant.minimum == 0.0f && constant.maximum > 2.4f && constant.maximum <= 2.5f);
      const InputRange one = find({Matrix::Constant(1, 1, -1e-30f)}, {method, 4, 99.99, 0.01});
      QVERIFY(one.maximum == 0.0f && one.minimum < 0.0f && one.minimum >= -1.01e-30f);
    }
  }

  void badInputIsNamed() {
    std::vector<Matrix> sequences = {Matrix::Ones(3, 4), Matrix::Ones(3, 4)};
    sequences[1](2, 1) = std::numeric_limits<float>::quiet_NaN();
    try {
      find(sequences, {});
      QFAIL("expected an error");
    } catch (const base::Error& error) {
      QVERIFY(error.code() == base::ErrorCode::Numerical);
      QVERIFY(QByteArray(error.what()).contains("'layer.q'") &&
              QByteArray(error.what()).contains("sequence 1"));
    }
  }

  void cancels() {
    std::stop_source source;
    source.request_stop();
    const std::vector<Matrix> sequences = {Matrix::Ones(3, 4)};
    QVERIFY_THROWS_EXCEPTION(base::Cancelled, findIn(sequences, {}, m_pool, {}, source.get_token()));
  }
};

NIB_TEST(InputRangeTest)
#include "input_range_test.moc"
