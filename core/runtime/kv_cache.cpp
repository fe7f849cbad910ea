// SPDX-License-Identifier: Apache-2.0
#include "runtime/kv_cache.hpp"

#include "base/error.hpp"
#include "runtime/packed_kv_rows.hpp"

#include <algorithm>
#include <limits>
#include <new>

namespace nibblesmith::runtime {

namespace {

using model::KvCacheScheme;

class FloatRows final : public KvRows {
public:
  explicit FloatRows(const KvRowsShape& shape)
      : m_stored(shape), m_rows(shape.capacity, shape.heads * shape.headDim), m_view(m_rows, shape.headDim) {}
  void write(int64_t position, const tensor::Matrix& rows) override {
    moveToFront(m_rows.data(), m_stored.makeRoom(position, position, rows.rows(), 1), m_rows.cols());
    m_rows.middleRows(position - m_stored.first(), rows.rows()) = rows;
  }
  void clear() override { m_stored.restart(0); }
  HeadRows head(int64_t head, int64_t from, int64_t count, std::vector<float>& scratch) const override {
    return m_view.head(head, from - m_stored.first(), count, scratch);
  }
  uint64_t bytes() const override { return static_cast<uint64_t>(m_rows.size()) * sizeof(float); }

private:
  StoredRange m_stored;
  tensor::Matrix m_rows;
  MatrixRows m_view;
};

} // namespace

int64_t storedTokens(const KvCacheScheme& scheme, int64_t window, int64_t capacity) {
  if (window <= 0 || window >= capacity)
    return capacity;
  const int64_t groupTokens = scheme.isPacked() && scheme.residual > 0 ? scheme.residual : 1;
  return std::min(capacity, (window - 1 + kMaxChunk + groupTokens - 1) / groupTokens * groupTokens);
}

std::unique_ptr<KvRows> makeKvRows(const KvCacheScheme& scheme, bool keys, const KvRowsShape& shape,
                                   const std::string& name) {
  if (scheme.type == KvCacheScheme::Type::F32)
    return std::make_unique<FloatRows>(shape);
  if (scheme.type == KvCacheScheme::Type::F16)
    return std::make_unique<HalfRows>(shape, name);
  return std::make_unique<PackedRows>(scheme, keys, shape, name);
}

KvCache::KvCache(const model::ModelConfig& config, int64_t capacity)
    : m_scheme(config.kvCache), m_capacity(capacity) {
  const int64_t columns = config.numKeyValueHeads * config.headDim;
  const int64_t perPosition = 2 * config.numLayers * columns * static_cast<int64_t>(sizeof(float));
  if (capacity < 1 || capacity > std::numeric_limits<int64_t>::max() / std::max<int64_t>(1, perPosition))
    throw base::Error(base::ErrorCode::InvalidArgument,
                      "cache capacity: expected 1 or more tokens, found " + std::to_string(capacity));
  try {
    for (int64_t layer = 0; layer < config.numLayers; ++layer) {
      const int64_t window = config.attentionKind(layer).window;
      const KvRowsShape shape = {config.numKeyValueHeads, config.headDim,
                                 storedTokens(m_scheme, window, capacity), window};
      m_keys.push_back(makeKvRows(m_scheme, true, shape, "layer " + std::to_string(layer) + ", keys"));
      m_values.push_back(makeKvRows(m_scheme, false, shape, "layer " + std::to_string(layer) + ", values"));
    }
  } catch (const std::bad_alloc&) {
    throw base::Error(base::ErrorCode::OutOfMemory,
                      "key-value cache of " + std::to_string(capacity) + " tokens: no memory for layer " +
                          std::to_string(std::min(m_keys.size(), m_values.size())) + " of " +
                          std::to_string(config.numLayers));
  }
}

uint64_t KvCache::bytes() const {
  uint64_t total = 0;
  for (const auto* layers : {&m_keys, &m_values})
    for (const auto& rows : *layers)
      total += rows->bytes();
  return total;
}

void KvCache::clear() {
  m_position = 0;
  for (auto* layers : {&m_keys, &m_values})
    for (const auto& rows : *layers)
      rows->clear();
}

int64_t KvCache::maxStepTokens() const {
  const bool grouped = m_scheme.isPacked() && m_scheme.residual > 0;
  return std::min(kMaxChunk,
                  grouped ? m_scheme.residual - m_position % m_scheme.residual : m_capacity - m_position);
}

void KvCache::advance(int64_t tokens) {
  m_position += tokens;
  if (!m_scheme.isPacked() || m_scheme.residual == 0 || m_position % m_scheme.residual != 0)
    return;
  for (auto* layers : {&m_keys, &m_values})
    for (const auto& rows : *layers)
      rows->pack();
}

} // namespace nibblesmith::runtime
