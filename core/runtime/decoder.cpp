// SPDX-License-Identifier: Apache-2.0
#include "runtime/decoder.hpp"

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "runtime/block_graph.hpp"
#include "runtime/finite.hpp"
#include "runtime/operations.hpp"
#include "runtime/output_head.hpp"
#include "runtime/token_embedding.hpp"

#include <algorithm>

namespace nibblesmith::runtime {

namespace {

using base::ErrorCode;
using tensor::Matrix;

struct Layer {
  BlockGraph graph;
  std::vector<std::unique_ptr<Linear>> linears; ///< in the order of BlockWeights
};

/// Activations between layers. The outputs of the linears are buffers that the next layer reuses.
struct Activations {
  SequenceState state;
  std::vector<std::vector<Matrix>> outputs; ///< by stage and linear
};

} // namespace

struct Decoder::Parts {
  std::shared_ptr<const model::Model> model;
  base::ThreadPool& pool;
  TokenEmbedding embedding;
  std::vector<Layer> layers;
  std::unique_ptr<OutputHead> head;
  uint64_t weightBytes = 0;

  const model::ModelConfig& config() const { return model->config(); }
  void load(WeightStorage storage, base::Progress& progress, const std::stop_token& stop);
  Layer loadLayer(int64_t index, WeightStorage storage);
  void checkTokens(std::span<const tokenizer::TokenId> tokens, const KvCache& cache) const;
  void runLayer(const Layer& layer, Activations& activations, const StepContext& step) const;
};

Layer Decoder::Parts::loadLayer(int64_t index, WeightStorage storage) {
  const model::BlockWeights block = model->block(index);
  Layer layer = {BlockGraph(config(), block), {}};
  for (const model::LinearWeights& weights : block.linears) {
    layer.linears.push_back(makeLinear(weights, storage));
    weightBytes += layer.linears.back()->weightBytes();
  }
  weightBytes += layer.graph.normBytes();
  return layer;
}

void Decoder::Parts::load(WeightStorage storage, base::Progress& progress, const std::stop_token& stop) {
  const model::LinearWeights headWeights = model->outputHead();
  head = std::make_unique<OutputHead>(*model, headWeights, storage);
  weightBytes = head->linearBytes() + head->normBytes();
  const tensor::TensorView& tokens = embedding.tokens();
  const auto* view = std::get_if<tensor::TensorView>(&headWeights.weight);
  const bool shared = view && view->bytes.data() == tokens.bytes.data();
  if (!shared)
    requireFiniteWeights(tokens, "embedding");
  // Tied embeddings are read from the file's bytes. They count extra only if the head was dequantized.
  if (!shared || head->linearBytes() != tokens.bytes.size())
    weightBytes += tokens.bytes.size();
  if (embedding.positions()) {
    requireFiniteWeights(*embedding.positions(), "position table");
    weightBytes += embedding.positions()->bytes.size();
  }
  for (int64_t index = 0; index < config().numLayers; ++index) {
    base::throwIfStopped(stop);
    progress.report(static_cast<double>(index) / static_cast<double>(config().numLayers), "loading weights");
    layers.push_back(loadLayer(index, storage));
    // Packed copies exist now, so the pages of the file can be released.
    model->checkpoint().releasePages();
  }
  progress.report(1.0, "loading weights");
}

void Decoder::Parts::checkTokens(std::span<const tokenizer::TokenId> tokens, const KvCache& cache) const {
  if (tokens.empty())
    throw base::Error(ErrorCode::InvalidArgument, "tokens: expected at least one, found none");
  embedding.check(tokens, cache.position());
  const auto count = static_cast<int64_t>(tokens.size());
  if (count > cache.capacity() - cache.position())
    throw base::Error(ErrorCode::InvalidArgument,
                      "key-value cache: expected at most " +
                          std::to_string(cache.capacity() - cache.position()) + " more tokens (capacity " +
                          std::to_string(cache.capacity()) + "), found " + std::to_string(count));
}

void Decoder::Parts::runLayer(const Layer& layer, Activations& activations, const StepContext& step) const {
  const int64_t tokens = activations.state.hidden.rows();
  layer.graph.begin(activations.state, step);
  activations.outputs.resize(static_cast<size_t>(layer.graph.stageCount()));
  for (int stage = 0; stage < layer.graph.stageCount(); ++stage) {
    const auto numbers = layer.graph.stageLinears(stage);
    std::vector<Matrix>& outputs = activations.outputs[static_cast<size_t>(stage)];
    outputs.resize(numbers.size());
    std::vector<const Linear*> linears;
    std::vector<float*> pointers;
    for (size_t i = 0; i < numbers.size(); ++i) {
      linears.push_back(layer.linears[numbers[i]].get());
      outputs[i].resize(tokens, linears[i]->outFeatures());
      pointers.push_back(outputs[i].data());
    }
    forwardTogether(linears, activations.state.input.data(), tokens, pointers, pool);
    layer.graph.finishStage(stage, outputs, activations.state, step);
  }
}

Decoder::Decoder(std::shared_ptr<const model::Model> model, WeightStorage storage, base::ThreadPool& pool,
                 base::Progress& progress, const std::stop_token& stop)
    : m_parts(new Parts{model, pool, TokenEmbedding(*model), {}, {}, 0}) {
  m_parts->load(storage, progress, stop);
}

Decoder::Decoder(std::shared_ptr<const model::Model> model, WeightStorage storage, base::ThreadPool& pool)
    : m_parts(new Parts{model, pool, TokenEmbedding(*model), {}, {}, 0}) {
  base::NoProgress progress;
  m_parts->load(storage, progress, {});
}

Decoder::~Decoder() = default;

const model::ModelConfig& Decoder::config() const { return m_parts->config(); }
base::ThreadPool& Decoder::pool() const { return m_parts->pool; }
uint64_t Decoder::weightBytes() const { return m_parts->weightBytes; }

Matrix Decoder::forward(std::span<const tokenizer::TokenId> tokens, KvCache& cache, LogitsFor which) const {
  m_parts->checkTokens(tokens, cache);
  const auto count = static_cast<int64_t>(tokens.size());
  const int64_t rows = which == LogitsFor::AllTokens ? count : 1;
  Matrix logits(rows, config().vocabularySize);
  Activations activations;
  for (int64_t at = 0, part = 0; at < count; at += part) {
    part = std::min(count - at, cache.maxStepTokens());
    activations.state.hidden = m_parts->embedding.rows(
        tokens.subspan(static_cast<size_t>(at), static_cast<size_t>(part)), cache.position());
    const std::vector<RopeTable> ropes = ropeTables(config(), cache.capacity(), cache.position(), part);
    for (int64_t i = 0; i < std::ssize(m_parts->layers); ++i)
      m_parts->runLayer(m_parts->layers[static_cast<size_t>(i)], activations,
                        {cache.position(), &cache.keys(i), &cache.values(i), &ropes, &m_parts->pool});
    cache.advance(part);
    if (which == LogitsFor::AllTokens)
      m_parts->head->logits(activations.state.hidden, logits.data() + at * logits.cols(), m_parts->pool);
    else if (at + part == count)
      m_parts->head->logits(activations.state.hidden.bottomRows(1), logits.data(), m_parts->pool);
  }
  // Stored weights are read from the file's pages during the pass, so the file must not have changed.
  m_parts->model->checkpoint().requireUnchanged();
  return logits;
}

} // namespace nibblesmith::runtime
