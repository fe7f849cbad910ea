// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "test_job.hpp"
#include "test_model.hpp"

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "runtime/block_graph.hpp"

#include <QObject>
#include <QTemporaryDir>

#include <functional>

namespace nibblesmith::test {

/// Base of engine tests: jobs on one small model, each in its own directory.
class JobTest : public QObject {
protected:
  explicit JobTest(std::shared_ptr<TestModel> model = std::make_shared<TestModel>())
      : m_model(std::move(model)) {}

  /// Returns a job with gptqRecipe() and the methods of methods().
  Job job(const std::string& directory) {
    Job result;
    result.model = m_model;
    result.recipe = gptqRecipe();
    result.calibration = &m_calibration;
    result.methods = &methods();
    result.workDirectory = std::filesystem::path(m_directory.path().toStdString()) / directory;
    return result;
  }
  virtual const quantization::MethodCatalog& methods() const { return m_methods; }

  quantization::QuantizedModel run(const Job& work, int threads = 2) {
    base::ThreadPool pool(threads);
    base::NoProgress silent;
    return quantization::quantizeModel(work, pool, {}, silent);
  }

  /// Returns the message of the error that rejects the job.
  static std::string refusal(const Job& work) {
    try {
      base::ThreadPool pool(1);
      base::NoProgress silent;
      std::stop_source stopped; // after the checks
      stopped.request_stop();
      quantization::quantizeModel(work, pool, stopped.get_token(), silent);
    } catch (const base::Cancelled&) {
      return "accepted";
    } catch (const base::Error& error) {
      return error.what();
    }
    return "accepted";
  }

  /// Runs the job with 1, 2 and 5 threads, and resumes once after the first block. Returns an empty text if
  /// all bytes are equal.
  std::string differenceOfRuns(const std::function<Job(const std::string& directory)>& job) {
    const auto first = job("threads1");
    run(first, 1);
    const std::string bytes = blockBytes(first.workDirectory);
    if (bytes.size() <= 10000)
      return "hardly any bytes to compare";
    for (const int threads : {2, 5}) {
      const auto work = job("threads" + std::to_string(threads));
      run(work, threads);
      if (blockBytes(work.workDirectory) != bytes)
        return "other bytes with " + std::to_string(threads) + " threads";
    }
    std::filesystem::remove(first.workDirectory / "block-0001.safetensors");
    std::filesystem::remove(first.workDirectory / "block-0002.safetensors");
    if (run(first).notes.empty())
      return "the first block was not reused";
    return blockBytes(first.workDirectory) == bytes ? "" : "other bytes after resuming";
  }

  /// Output of the block for some tokens in f32, with replacements from `quantized`.
  tensor::Matrix blockOutput(int64_t index, const quantization::QuantizedBlock& quantized) const {
    model::BlockWeights weights = m_model->block(index);
    quantized.replaceFolded(weights);
    const runtime::BlockGraph graph(m_model->config(), weights);
    runtime::SequenceState state;
    state.hidden = tensor::toMatrix(m_model->embedding()).topRows(30);
    graph.begin(state);
    for (int stage = 0; stage < graph.stageCount(); ++stage) {
      std::vector<tensor::Matrix> outputs;
      for (const size_t number : graph.stageLinears(stage)) {
        const auto& linear = weights.linears[number];
        const auto found = quantized.linears.find(linear.name);
        tensor::Matrix x = state.input;
        if (const auto input = quantized.inputs.find(linear.name); input != quantized.inputs.end())
          tensor::roundInputValues(input->second, x.data(), x.rows(), x.cols(), linear.name, x.data());
        const tensor::Matrix W =
            found == quantized.linears.end() ? model::toMatrix(linear.weight) : found->second.dequantize();
        outputs.push_back(x * W.transpose());
      }
      graph.finishStage(stage, outputs, state);
    }
    return state.hidden;
  }
  /// Relative distance of that output from the source's.
  double blockError(int64_t index, const quantization::QuantizedBlock& quantized) const {
    const tensor::Matrix expected = blockOutput(index, {});
    return static_cast<double>((blockOutput(index, quantized) - expected).norm()) /
           static_cast<double>(expected.norm());
  }

  QTemporaryDir m_directory;
  std::shared_ptr<TestModel> m_model;
  calibration::CalibrationSet m_calibration = testCalibration();

private:
  TestMethods m_methods;
};

} // namespace nibblesmith::test
