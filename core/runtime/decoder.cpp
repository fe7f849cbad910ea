// SPDX-License-Identifier: Apache-2.0
#include "runtime/decoder.hpp"

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "runtime/block_graph.hpp"
#include "runtime/finite.hpp"
#include "runtime/operations.hpp"

#include <algorithm>

namespace nibblesmith::runtime {

namespace {

using base::ErrorCode;
using tensor::Matrix;

/// Longer prompts go through the blocks in parts, which bounds the memory of activations.
constexpr int64_t kMaxChunk = 512;

struct Layer {
  BlockGraph graph;
  std::vector<std::unique_ptr<Linear>> linears; ///< by LinearRole
};

/// What is in memory between the layers; the outputs of the linears are kept for the next layer's.
struct Activations {
  SequenceState state;
  std::vector<std::vector<Matrix>> outputs; ///< by stage and linear
};

} // namespace

struct Decoder::Parts {
  std::shared_ptr<const model::Model> model;
  base::ThreadPool& pool;
  tensor::TensorView embedding;
  tensor::Vector finalNorm;
  std::vector<Layer> layers;
  std::unique_ptr<Linear> head;
  uint64_t weightBytes = 0;

  const model::ModelConfig& config() const { return model->config(); }
  void load(WeightStorage storage, base::Progress& progress, const std::stop_token& stop);
  Layer loadLayer(int64_t index, WeightStorage storage);
  void checkTokens(std::span<const tokenizer::TokenId> tokens, const KvCache& cache) const;
  Matrix embed(std::span<const tokenizer::TokenId> tokens) const;
  void runLayer(const Layer& layer, Activations& now, const StepContext& step) const;
  /// logits may hold fewer rows than the state: the last ones.
  void computeLogits(const Matrix& hidden, float* logits, int64_t rows) const;
};

Layer Decoder::Parts::loadLayer(int64_t index, WeightStorage storage) {
  const model::BlockWeights block = model->block(index);
  Layer layer = {BlockGraph(config(), block), {}};
  for (const model::LinearWeights& weights : block.linears) {
    layer.linears.push_back(makeLinear(weights, storage));
    weightBytes += layer.linears.back()->weightBytes();
  }
  weightBytes += 2 * static_cast<uint64_t>(config().hiddenSize) * sizeof(float);
  return layer;
}

void Decoder::Parts::load(WeightStorage storage, base::Progress& progress, const std::stop_token& stop) {
  embedding = model->embedding();
  finalNorm = tensor::toVector(model->finalNorm());
  tensor::requireFinite({finalNorm.data(), static_cast<size_t>(finalNorm.size())}, finalNorm.size(),
                        "final norm");
  const model::LinearWeights headWeights = model->outputHead();
  head = makeLinear(headWeights, storage);
  weightBytes = head->weightBytes() + static_cast<uint64_t>(finalNorm.size()) * sizeof(float);
  const auto* view = std::get_if<tensor::TensorView>(&headWeights.weight);
  const bool shared = view && view->bytes.data() == embedding.bytes.data();
  if (!shared)
    requireFiniteWeights(embedding, "embedding");
  // Tied embeddings are read from the file's bytes, which the head uses too unless it was unpacked.
  if (!shared || head->weightBytes() != embedding.bytes.size())
    weightBytes += embedding.bytes.size();
  for (int64_t index = 0; index < config().numLayers; ++index) {
    base::throwIfStopped(stop);
    progress.report(static_cast<double>(index) / static_cast<double>(config().numLayers), "loading weights");
    layers.push_back(loadLayer(index, storage));
  }
  progress.report(1.0, "loading weights");
}

void Decoder::Parts::checkTokens(std::span<const tokenizer::TokenId> tokens, const KvCache& cache) const {
  if (tokens.empty())
    throw base::Error(ErrorCode::InvalidArgument, "tokens: expected at least one, found none");
  for (const tokenizer::TokenId id : tokens)
    if (id < 0 || id >= config().vocabularySize)
      throw base::Error(ErrorCode::InvalidArgument, "token id: expected 0 to " +
                                                        std::to_string(config().vocabularySize - 1) +
                                                        ", found " + std::to_string(id));
  const auto count = static_cast<int64_t>(tokens.size());
  if (count > cache.capacity() - cache.position())
    throw base::Error(ErrorCode::InvalidArgument,
                      "key-value cache: expected at most " +
                          std::to_string(cache.capacity() - cache.position()) + " more tokens (capacity " +
                          std::to_string(cache.capacity()) + "), found " + std::to_string(count));
}

Matrix Decoder::Parts::embed(std::span<const tokenizer::TokenId> tokens) const {
  Matrix hidden(static_cast<int64_t>(tokens.size()), config().hiddenSize);
  for (size_t t = 0; t < tokens.size(); ++t)
    tensor::readRows(embedding, tokens[t], tokens[t] + 1,
                     hidden.data() + static_cast<int64_t>(t) * hidden.cols());
  return hidden;
}

void Decoder::Parts::runLayer(const Layer& layer, Activations& now, const StepContext& step) const {
  const int64_t tokens = now.state.hidden.rows();
  layer.graph.begin(now.state, step);
  now.outputs.resize(static_cast<size_t>(layer.graph.stageCount()));
  for (int stage = 0; stage < layer.graph.stageCount(); ++stage) {
    const auto roles = layer.graph.stageLinears(stage);
    std::vector<Matrix>& outputs = now.outputs[static_cast<size_t>(stage)];
    outputs.resize(roles.size());
    std::vector<const Linear*> linears;
    std::vector<float*> pointers;
    for (size_t i = 0; i < roles.size(); ++i) {
      linears.push_back(layer.linears[static_cast<size_t>(roles[i])].get());
      outputs[i].resize(tokens, linears[i]->outFeatures());
      pointers.push_back(outputs[i].data());
    }
    forwardTogether(linears, now.state.input.data(), tokens, pointers, pool);
    layer.graph.finishStage(stage, outputs, now.state, step);
  }
}

void Decoder::Parts::computeLogits(const Matrix& hidden, float* logits, int64_t rows) const {
  Matrix normed;
  rmsNorm(hidden.bottomRows(rows), finalNorm, config().normEpsilon, normed, &pool);
  head->forward(normed.data(), rows, logits, pool);
}

Decoder::Decoder(std::shared_ptr<const model::Model> model, WeightStorage storage, base::ThreadPool& pool,
                 base::Progress& progress, const std::stop_token& stop)
    : m_parts(new Parts{std::move(model), pool, {}, {}, {}, {}, 0}) {
  m_parts->load(storage, progress, stop);
}

Decoder::Decoder(std::shared_ptr<const model::Model> model, WeightStorage storage, base::ThreadPool& pool)
    : m_parts(new Parts{std::move(model), pool, {}, {}, {}, {}, 0}) {
  base::NoProgress progress;
  m_parts->load(storage, progress, {});
}

Decoder::~Decoder() = default;

const model::ModelConfig& Decoder::config() const {
  return m_parts->config();
}
uint64_t Decoder::weightBytes() const {
  return m_parts->weightBytes;
}

Matrix Decoder::forward(std::span<const tokenizer::TokenId> tokens, KvCache& cache, LogitsFor which) const {
  m_parts->checkTokens(tokens, cache);
  const auto count = static_cast<int64_t>(tokens.size());
  const int64_t rows = which == LogitsFor::AllTokens ? count : 1;
  Matrix logits(rows, config().vocabularySize);
  Activations now;
  for (int64_t at = 0, part = 0; at < count; at += part) {
    part = std::min({kMaxChunk, count - at, cache.room()});
    now.state.hidden = m_parts->embed(tokens.subspan(static_cast<size_t>(at), static_cast<size_t>(part)));
    const RopeTable rope(config(), cache.position(), part);
    for (int64_t i = 0; i < std::ssize(m_parts->layers); ++i)
      m_parts->runLayer(m_parts->layers[static_cast<size_t>(i)], now,
                        {cache.position(), &cache.keys(i), &cache.values(i), &rope, &m_parts->pool});
    cache.advance(part);
    if (which == LogitsFor::AllTokens)
      m_parts->computeLogits(now.state.hidden, logits.data() + at * logits.cols(), part);
    else if (at + part == count)
      m_parts->computeLogits(now.state.hidden, logits.data(), 1);
  }
  return logits;
}

} // namespace nibblesmith::runtime
