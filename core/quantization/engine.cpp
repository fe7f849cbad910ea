// SPDX-License-Identifier: Apache-2.0
#include "quantization/engine.hpp"

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/input_file.hpp"
#include "base/thread_pool.hpp"
#include "quantization/block_file.hpp"
#include "quantization/block_run.hpp"
#include "quantization/cost.hpp"
#include "quantization/plan.hpp"
#include "quantization/scaling.hpp"

#include <algorithm>
#include <optional>

namespace nibblesmith::quantization {

namespace {

using base::Error;
using base::ErrorCode;

/// Version of the block files' contents. Increase it when the same inputs give other block files.
constexpr int kEngineVersion = 6;

void checkCalibration(const QuantizationJob& job) {
  if (!job.plan->needsCalibration())
    return;
  const std::string field = "calibration of '" + choiceNeedingCalibration(*job.plan) + "': ";
  if (!job.calibration || job.calibration->sequences.empty())
    throw Error(ErrorCode::InvalidArgument, field + "expected a calibration set, found none");
  const int64_t limit = job.plan->source->config().maxPositions;
  for (const auto& sequence : job.calibration->sequences) {
    if (sequence.empty())
      throw Error(ErrorCode::InvalidArgument, field + "expected tokens, found an empty sequence");
    if (limit > 0 && static_cast<int64_t>(sequence.size()) > limit)
      throw Error(ErrorCode::InvalidArgument, field + "'length': expected at most the model's " +
                                                  std::to_string(limit) + " positions, found " +
                                                  std::to_string(sequence.size()));
  }
}

const Plan& checkedPlan(const QuantizationJob& job) {
  if (!job.plan)
    throw Error(ErrorCode::InvalidArgument, "quantization: expected a plan, found none");
  if (job.workDirectory.empty())
    throw Error(ErrorCode::InvalidArgument, "quantization: expected a work directory, found none");
  checkCalibration(job);
  return *job.plan;
}

std::string fingerprintOf(const QuantizationJob& job, const std::stop_token& stop) {
  const Plan& plan = *job.plan;
  const base::Json json = {{"engine", kEngineVersion},
                           {"model", checkpoint::contentHash(plan.source->checkpoint(), stop)},
                           {"recipe", plan.settings},
                           {"calibration", plan.needsCalibration() ? job.calibration->hash : std::string()}};
  return base::sha256(json.dump());
}

/// One run of the engine.
class Run {
public:
  Run(const QuantizationJob& job, base::ThreadPool& pool, const std::stop_token& stop,
      base::Progress& progress)
      : m_job(job), m_plan(checkedPlan(job)), m_stop(stop), m_progress(progress),
        m_stages(stageShapes(*m_plan.model)), m_context{*m_plan.model, m_plan,  pool,
                                                        stop,          nullptr, m_result.phases} {}

  QuantizedModel execute();

private:
  void claimDirectory();
  void findFinishedBlocks();
  double planCosts();
  void processBlock(size_t index);
  bool activationsNeededAfter(size_t index) const;
  std::string blockText(size_t index) const {
    return "block " + std::to_string(index + 1) + " of " + std::to_string(m_plan.blocks.size());
  }

  const QuantizationJob& m_job;
  const Plan& m_plan;
  const std::stop_token& m_stop;
  base::Progress& m_progress;
  StageShapes m_stages;
  QuantizedModel m_result;
  BlockContext m_context;
  std::vector<char> m_finished;          ///< per block: a valid file exists
  std::vector<double> m_cumulativeCosts; ///< per block: planned cost of all blocks up to and including it
  std::optional<base::WorkDirectory> m_ownClaim;
  base::WorkDirectory* m_work = nullptr;
  std::optional<Activations> m_activations; ///< may have a file in the work directory
};

void Run::claimDirectory() {
  if (!m_job.claim)
    m_ownClaim.emplace(m_job.workDirectory, "quantizing");
  m_work = m_job.claim ? m_job.claim : &*m_ownClaim;
}

void Run::findFinishedBlocks() {
  size_t reused = 0;
  for (size_t b = 0; b < m_plan.blocks.size(); ++b) {
    base::throwIfStopped(m_stop);
    m_finished.push_back(0);
    try {
      readBlockFile(blockFilePath(m_job.workDirectory, static_cast<int64_t>(b)), m_result.fingerprint);
      m_finished.back() = 1;
      ++reused;
    } catch (const Error& error) {
      if (error.code() == ErrorCode::Corrupt)
        m_result.notes.push_back(blockText(b) +
                                 " is quantized again, because its file is damaged: " + error.what());
      else if (error.code() == ErrorCode::Io)
        throw;
    }
  }
  if (reused > 0)
    m_result.notes.push_back(std::to_string(reused) + " of " + std::to_string(m_plan.blocks.size()) +
                             " blocks were reused from an earlier run");
}

bool Run::activationsNeededAfter(size_t index) const {
  return m_plan.needsCalibration() && std::find(m_finished.begin() + static_cast<std::ptrdiff_t>(index) + 1,
                                                m_finished.end(), 0) != m_finished.end();
}

double Run::planCosts() {
  double tokens = 0;
  if (m_plan.needsCalibration())
    for (const auto& sequence : m_job.calibration->sequences)
      tokens += static_cast<double>(sequence.size());
  double total = 0;
  for (size_t b = 0; b < m_plan.blocks.size(); ++b) {
    if (!m_finished[b])
      total += blockCost(m_stages, m_plan, b, tokens);
    if (!m_finished[b] || activationsNeededAfter(b))
      total += blockForwardCost(m_stages, m_plan, b, tokens);
    m_cumulativeCosts.push_back(total);
  }
  return total;
}

void Run::processBlock(size_t index) {
  const auto number = static_cast<int64_t>(index);
  const auto path = blockFilePath(m_job.workDirectory, number);
  const bool forward = activationsNeededAfter(index);
  BlockFile block;
  if (m_finished[index]) {
    block = readBlockFile(path, m_result.fingerprint);
    if (forward) {
      m_context.meter->stage(blockText(index) +
                             ": already finished, running the calibration text through it");
      runFinishedBlock(m_context, index, block, *m_activations);
    }
  } else {
    block =
        quantizeBlock(m_context, index, blockText(index), m_activations ? &*m_activations : nullptr, forward);
    const PhaseTimer timer(m_result.phases.files);
    base::AtomicFile file = m_work->create(blockFileName(number));
    writeBlockFile(file, m_result.fingerprint, block);
    file.commit();
  }
  m_result.actual.diskBytes += base::fileSize(path);
  m_result.layers.insert(m_result.layers.end(), block.reports.begin(), block.reports.end());
  m_plan.source->checkpoint().releasePages();
  m_context.meter->advanceTo(m_cumulativeCosts[index]);
}

QuantizedModel Run::execute() {
  base::TimeEstimate clock;
  resetPeakMemory();
  m_progress.report(0, "checking the recipe and existing blocks");
  claimDirectory();
  m_result.source = m_plan.model;
  m_result.notes = m_plan.notes;
  m_result.recipe = m_plan.recipe;
  m_result.directory = m_job.workDirectory;
  m_result.estimated = estimateResources(m_job);
  m_result.fingerprint = fingerprintOf(m_job, m_stop);
  findFinishedBlocks();
  CostMeter meter(m_progress, planCosts());
  m_context.meter = &meter;
  const bool anyLeft = std::find(m_finished.begin(), m_finished.end(), 0) != m_finished.end();
  if (m_plan.needsCalibration() && anyLeft) {
    meter.stage("embedding the calibration text");
    m_activations.emplace(*m_plan.model, *m_job.calibration,
                          m_result.estimated.spills ? m_job.workDirectory : std::filesystem::path(),
                          m_context.pool, m_stop);
    m_plan.source->checkpoint().releasePages();
  }
  for (size_t b = 0; b < m_plan.blocks.size(); ++b)
    processBlock(b);
  m_result.actual.seconds = clock.elapsedSeconds();
  m_result.actual.peakMemoryBytes = peakMemoryBytes();
  m_progress.report(1, "done");
  return std::move(m_result);
}

} // namespace

void QuantizedBlock::replaceFolded(model::BlockWeights& weights) const {
  const auto replace = [](const tensor::Vector& values, tensor::TensorView& view) {
    const std::vector<int64_t> shape = view.shape;
    view = tensor::ownedView(tensor::Matrix(values.transpose()));
    view.shape = shape;
  };
  for (model::NormWeights& norm : weights.norms)
    if (const auto found = norms.find(norm.role); found != norms.end()) {
      replace(found->second.weight, norm.weight);
      if (norm.bias)
        replace(found->second.bias, *norm.bias);
    }
  for (model::LinearWeights& linear : weights.linears)
    if (const auto found = biases.find(linear.name); found != biases.end())
      replace(found->second, *linear.bias);
}

QuantizedBlock QuantizedModel::block(int64_t index) const {
  const model::BlockWeights weights = source->block(index);
  return foldScales(readBlockFile(blockFilePath(directory, index), fingerprint),
                    runtime::BlockGraph(source->config(), weights), weights, source->config().norm.offset);
}

QuantizedModel quantizeModel(const QuantizationJob& job, base::ThreadPool& pool, const std::stop_token& stop,
                             base::Progress& progress) {
  return Run(job, pool, stop, progress).execute();
}

} // namespace nibblesmith::quantization
